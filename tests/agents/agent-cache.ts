import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { InstalledAgent } from "@berth/core"
import { agentPackages } from "../../apps/cli/src/agents/agent-packages.ts"
import { installAgent } from "../../apps/cli/src/agents/install-agent.ts"
import { recordFileName } from "../../apps/cli/src/agents/installed-agent.ts"
import { runNpm } from "../../apps/cli/src/agents/npm.ts"

/** Hundreds of megabytes each: they are kept between runs, outside the repository. */
export const cacheDirectory = process.env["BERTH_TEST_CACHE"] ?? join(tmpdir(), "berth-agents-cache")

/** A real agent program, installed as `berth agents add` does it; from the cache when it is there. */
export async function cachedAgent(name: string): Promise<InstalledAgent> {
  const directory = join(cacheDirectory, "agents", name)
  const recordPath = join(directory, recordFileName)
  const isCurrent = (): boolean =>
    existsSync(recordPath) && readRecord(recordPath).version === agentPackages[name]?.version
  if (!isCurrent()) {
    mkdirSync(cacheDirectory, { recursive: true })
    const env = Object.fromEntries(Object.entries(process.env).map(([key, value]) => [key, value ?? ""]))
    await installAgent({
      name,
      dataDirectory: cacheDirectory,
      npm: (words) => runNpm(words, env),
      now: () => new Date(),
    })
  }
  return { ...readRecord(recordPath), directory }
}

function readRecord(path: string): Pick<InstalledAgent, "name" | "version" | "argv"> {
  return JSON.parse(readFileSync(path, "utf8")) as InstalledAgent
}
