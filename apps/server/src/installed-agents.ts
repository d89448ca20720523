import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { z } from "zod"

const agentFile = z.object({ name: z.string(), version: z.string(), argv: z.array(z.string()).min(1) })

export interface InstalledAgent {
  readonly name: string
  readonly version: string
  /** Relative to `directory`. */
  readonly argv: readonly string[]
  readonly directory: string
}

/** What `berth agents add` put below the data directory. Read anew on each call: agents come and go. */
export function readInstalledAgents(directory: string): readonly InstalledAgent[] {
  const read = (name: string): readonly InstalledAgent[] => {
    const folder = join(directory, name)
    let text: string
    try {
      text = readFileSync(join(folder, "berth-agent.json"), "utf8")
    } catch (error) {
      // A folder without the file is an installation under way, or one that was cut short.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
      throw error
    }
    return [{ ...agentFile.parse(JSON.parse(text)), directory: folder }]
  }
  return readdirSync(directory)
    .filter((name) => !name.startsWith("."))
    .flatMap(read)
}
