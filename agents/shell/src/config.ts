import { homedir } from "node:os"

export interface Config {
  /** What scripts start with: everything this process was given. */
  readonly env: Readonly<Record<string, string>>
  /** Where conversations are kept; belongs to a session's snapshots. */
  readonly stateDirectory: string
}

export function readConfig(): Config {
  const env = Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
  return { env, stateDirectory: `${homedir()}/.berth-shell` }
}
