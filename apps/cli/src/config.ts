import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { AppError } from "@berth/core"
import { z } from "zod"

const configSchema = z.object({
  url: z.url({ protocol: /^https?$/ }),
  apiKey: z.string().min(1).nullable(),
  /** Null: the key's project, or `default`. */
  project: z.string().min(1).nullable(),
  /** Where `berth agents` installs; the server's own default. */
  dataDirectory: z.string().min(1),
  hasColor: z.boolean(),
})

/** What the environment says; options of the command line beat it. */
export type Config = z.infer<typeof configSchema>

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the environment once. Throws AppError `bad_params` that names the faulty setting. */
export function readConfig(env: Environment = process.env): Config {
  const parsed = configSchema.safeParse({
    url: env["BERTH_URL"] || "http://127.0.0.1:8787",
    apiKey: env["BERTH_API_KEY"] || null,
    project: env["BERTH_PROJECT"] || null,
    dataDirectory: resolve(env["BERTH_DATA_DIR"] || join(homedir(), ".berth")),
    hasColor: !env["NO_COLOR"] && env["TERM"] !== "dumb",
  })
  if (!parsed.success) throw new AppError("bad_params", `Environment: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}

/** The environment for programs this one starts, the server or npm; changes that are absent change nothing. */
export function childEnvironment(
  changes: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return { ...dropAbsent(process.env), ...dropAbsent(changes) }
}

function dropAbsent(values: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}
