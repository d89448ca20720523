import { spawnSync } from "node:child_process"
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

/** What this machine lacks to run a real agent, in the words of scripts/capabilities.mjs; null when it has all. */
export function missingFor(name: string): string | null {
  const works = (program: string, ...words: readonly string[]): boolean =>
    spawnSync(program, words, { stdio: "ignore", timeout: 20_000 }).status === 0
  if (!works("bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true")) return "bubblewrap"
  if (!isCached(name) && !works("npm", "ping", "--loglevel=silent", "--fetch-retries=0"))
    return "npm registry"
  return null
}

/** A real agent program, installed as `berth agents add` does it; from the cache when it is there. */
export async function cachedAgent(name: string): Promise<InstalledAgent> {
  if (!isCached(name)) {
    mkdirSync(cacheDirectory, { recursive: true })
    const env = Object.fromEntries(Object.entries(process.env).map(([key, value]) => [key, value ?? ""]))
    await installAgent({
      name,
      dataDirectory: cacheDirectory,
      npm: (words) => runNpm(words, env),
      now: () => new Date(),
    })
  }
  return { ...readRecord(name), directory: folderOf(name) }
}

function isCached(name: string): boolean {
  const isThere = existsSync(join(folderOf(name), recordFileName))
  return isThere && readRecord(name).version === agentPackages[name]?.version
}

function readRecord(name: string): Pick<InstalledAgent, "name" | "version" | "argv"> {
  return JSON.parse(readFileSync(join(folderOf(name), recordFileName), "utf8")) as InstalledAgent
}

function folderOf(name: string): string {
  return join(cacheDirectory, "agents", name)
}
