import { AppError } from "@berth/core"
import { z } from "zod"
import { modelPrice } from "./budget/price.ts"
import { upstreamNames } from "./upstreams/upstream-table.ts"

/** `baseUrl` is without the version: `https://api.anthropic.com`. */
const upstreamConfig = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, "")),
  apiKey: z
    .string()
    .min(1)
    .max(8192)
    .regex(/^[\x21-\x7e]+$/, "a key has no spaces or control characters"),
})
export type UpstreamConfig = z.infer<typeof upstreamConfig>

/** Body of `PUT /config`: what may change while the gateway lives. */
export const changeableConfig = z.object({
  upstreams: z.partialRecord(z.enum(upstreamNames), upstreamConfig),
  /** The first row that matches a model counts. */
  prices: z.array(modelPrice).max(1000),
})
export type ChangeableConfig = z.infer<typeof changeableConfig>

/** The document on stdin. Paths are absolute. */
export const gatewayConfig = changeableConfig.extend({
  protocol: z.literal(1),
  /** Unix socket of the control API, mode 0600. */
  controlSocket: z.string().startsWith("/"),
  /** Folder of the sandboxes' socket folders; short, as it becomes part of socket paths. */
  socketRoot: z.string().startsWith("/"),
  /** Grants, spool and log file. Holds no secrets. */
  stateDirectory: z.string().startsWith("/"),
  /** Where reports go: `POST /internal/reports`. */
  serverSocket: z.string().startsWith("/"),
  logLevel: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]),
})
export type GatewayConfig = z.infer<typeof gatewayConfig>
/** As it is written: before defaults and normal forms. */
export type GatewayConfigInput = z.input<typeof gatewayConfig>

/** Throws `bad_params` that names the faulty fields and never their values: some are keys. */
export function parseConfig(text: string): GatewayConfig {
  return parseWith(gatewayConfig, text, "configuration")
}

export function parseWith<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  what: string,
): z.output<Schema> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, which may hold keys.
    throw new AppError("bad_json", `The ${what} is not valid JSON.`)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, code }) => `${path.join(".") || "(root)"} (${code})`)
  throw new AppError("bad_params", `The ${what} is wrong at ${faults.join(", ")}.`)
}
