import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { z } from "zod"

export const recordFileName = "berth-agent.json"

/** `berth-agent.json`, in the folder of an installed agent: what the server needs to start it. */
export const installedAgent = z.object({
  name: z.string(),
  version: z.string(),
  /**
   * Arguments with a `/` are paths relative to the folder. A first word `node` is the sandbox's own Node.
   */
  argv: z.array(z.string()).min(1),
  installedAt: z.string(),
})
export type InstalledAgent = z.infer<typeof installedAgent>

/** Folder of all installed agents. */
export function agentsFolder(dataDirectory: string): string {
  return join(dataDirectory, "agents")
}

/** Null when it is not installed. */
export function readInstalledAgent(dataDirectory: string, name: string): InstalledAgent | null {
  const path = join(agentsFolder(dataDirectory), name, recordFileName)
  return existsSync(path) ? installedAgent.parse(JSON.parse(readFileSync(path, "utf8"))) : null
}

export function listInstalledAgents(dataDirectory: string): readonly InstalledAgent[] {
  const folder = agentsFolder(dataDirectory)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .toSorted()
    .flatMap((name) => readInstalledAgent(dataDirectory, name) ?? [])
}
