import { readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { AppError } from "@berth/core"
import { z } from "zod"

const upstream = z.object({ baseUrl: z.url(), apiKey: z.string().min(1) })

/** What an operator can set: in the file named by BERTH_CONFIG (JSON), overridden by the environment. */
const configSchema = z.strictObject({
  host: z.string().default("127.0.0.1"),
  port: z.coerce.number().int().min(0).max(65_535).default(8787),
  dataDirectory: z.string().default(join(homedir(), ".berth")),
  logLevel: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  auth: z.enum(["loopback", "keys", "none"]).default("loopback"),
  bootstrapKey: z.string().min(16).optional(),
  corsOrigins: z.array(z.string()).default([]),
  trustForwardedHeaders: z.boolean().default(false),
  /** Sessions without an agent get this one; by default `claude` when it is installed and has a key. */
  defaultAgent: z.string().optional(),
  /** Lets sessions name their own agent program. */
  allowCustomAgents: z.boolean().default(true),
  unsafeNoSandbox: z.boolean().default(false),
  /** Whether supervisors outlive a restart of this server: false where a service manager ends them with it. */
  survivesRestart: z.boolean().default(true),
  orphanTimeoutSeconds: z.number().positive().default(1800),
  requestsPerMinute: z.number().int().positive().default(6000),
  upstreams: z
    .strictObject({ anthropic: upstream, openai: upstream, google: upstream })
    .partial()
    .default({}),
})

export type Config = z.infer<typeof configSchema>

type Environment = Readonly<Record<string, string | undefined>>

/** Upstreams that a key alone switches on, with the address their makers publish. */
const knownUpstreams = [
  ["anthropic", "ANTHROPIC_API_KEY", "BERTH_UPSTREAM_ANTHROPIC_URL", "https://api.anthropic.com"],
  ["openai", "OPENAI_API_KEY", "BERTH_UPSTREAM_OPENAI_URL", "https://api.openai.com"],
  ["google", "GEMINI_API_KEY", "BERTH_UPSTREAM_GOOGLE_URL", "https://generativelanguage.googleapis.com"],
] as const

/** Reads the configuration once. Throws AppError `bad_params` that names the faulty setting. */
export function readConfig(args: readonly string[], env: Environment = process.env): Config {
  const merged = { ...readFile(env["BERTH_CONFIG"]), ...fromEnvironment(env), ...fromArguments(args) }
  const parsed = configSchema.safeParse(merged)
  if (!parsed.success) {
    throw new AppError("bad_params", `Configuration: ${z.prettifyError(parsed.error)}`)
  }
  const dataDirectory = resolve(parsed.data.dataDirectory)
  return { ...parsed.data, dataDirectory }
}

function fromEnvironment(env: Environment): Record<string, unknown> {
  const upstreams: Record<string, unknown> = {}
  for (const [name, keyName, urlName, published] of knownUpstreams) {
    const apiKey = env[keyName]
    if (apiKey) upstreams[name] = { apiKey, baseUrl: env[urlName] ?? published }
  }
  return dropAbsent({
    host: env["BERTH_HOST"],
    port: env["BERTH_PORT"],
    dataDirectory: env["BERTH_DATA_DIR"],
    logLevel: env["BERTH_LOG_LEVEL"] ?? env["AGENT_LOG_LEVEL"],
    auth: env["BERTH_AUTH"],
    bootstrapKey: env["BERTH_BOOTSTRAP_KEY"],
    corsOrigins: env["BERTH_CORS_ORIGINS"]?.split(",").map((origin) => origin.trim()),
    defaultAgent: env["BERTH_DEFAULT_AGENT"],
    survivesRestart: survivesRestart(env),
    requestsPerMinute: number(env["BERTH_REQUESTS_PER_MINUTE"]),
    orphanTimeoutSeconds: number(env["BERTH_ORPHAN_TIMEOUT"]),
    upstreams: Object.keys(upstreams).length > 0 ? upstreams : undefined,
  })
}

function fromArguments(args: readonly string[]): Record<string, unknown> {
  return args.includes("--unsafe-no-sandbox") ? { unsafeNoSandbox: true } : {}
}

function readFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {}
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, "utf8")))
  } catch (cause) {
    throw new AppError("bad_params", `The configuration file ${path} cannot be read as JSON.`, { cause })
  }
}

/** systemd ends a unit's processes together, unless told otherwise; then our unit file says so. */
function survivesRestart(env: Environment): boolean | undefined {
  const said = env["BERTH_SURVIVES_RESTART"]
  if (said !== undefined) return said === "1" || said === "true"
  return env["INVOCATION_ID"] === undefined ? undefined : false
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function dropAbsent(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
