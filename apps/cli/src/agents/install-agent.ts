import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "@berth/core"
import { z } from "zod"
import { agentPackages, type AgentPackage } from "./agent-packages.ts"
import { agentsFolder, recordFileName, type InstalledAgent } from "./installed-agent.ts"

const manifest = z.object({
  version: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]),
})

/**
 * Installs an agent's pinned version below the data directory. It is put together aside and renamed, so
 * that the server sees it whole or not at all; an earlier one is replaced.
 */
export async function installAgent(options: {
  readonly name: string
  readonly dataDirectory: string
  readonly npm: (words: readonly string[]) => Promise<void>
  readonly now: () => Date
}): Promise<InstalledAgent> {
  const { name, dataDirectory, npm, now } = options
  const wanted = agentPackages[name]
  if (wanted === undefined) throw unknownAgent(name)
  const folder = agentsFolder(dataDirectory)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const aside = mkdtempSync(join(folder, `.${name}-`))
  try {
    const prefix = join(aside, name)
    // Read by sandboxes, whose users are others: as public as the packages are.
    mkdirSync(prefix, { mode: 0o755 })
    await npm(["install", "--prefix", prefix, "--save-exact", `${wanted.package}@${wanted.version}`])
    const installed: InstalledAgent = {
      name,
      ...programOf(prefix, wanted),
      installedAt: now().toISOString(),
    }
    writeFileSync(join(prefix, recordFileName), `${JSON.stringify(installed, null, 2)}\n`)
    const target = join(folder, name)
    if (existsSync(target)) renameSync(target, join(aside, "replaced"))
    renameSync(prefix, target)
    return installed
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** Removes an installed agent; false when it was not there. */
export function removeAgent(dataDirectory: string, name: string): boolean {
  if (agentPackages[name] === undefined) throw unknownAgent(name)
  const folder = join(agentsFolder(dataDirectory), name)
  if (!existsSync(folder)) return false
  rmSync(folder, { recursive: true })
  return true
}

function programOf(prefix: string, wanted: AgentPackage): Pick<InstalledAgent, "version" | "argv"> {
  const folder = `node_modules/${wanted.package}`
  const { version, bin } = manifest.parse(
    JSON.parse(readFileSync(join(prefix, folder, "package.json"), "utf8")),
  )
  if (version !== wanted.version) {
    throw new AppError(
      "upstream_failed",
      `npm installed ${wanted.package} ${version}, not ${wanted.version}.`,
    )
  }
  const path = findProgram(prefix, wanted, typeof bin === "string" ? [bin] : Object.values(bin))
  const start = readFileSync(join(prefix, path)).subarray(0, 64).toString("latin1")
  const isScript = /^#!.*\bnode\b/.test(start) || /\.[cm]?js$/.test(path)
  return { version, argv: [...(isScript ? ["node"] : []), path, ...wanted.args] }
}

/** Relative to `prefix`. */
function findProgram(prefix: string, wanted: AgentPackage, own: readonly string[]): string {
  const paths =
    wanted.programs === null
      ? own.slice(0, 1).map((path) => join("node_modules", wanted.package, path))
      : wanted.programs.map((path) => join("node_modules", forThisHost(path)))
  const found = paths.find((path) => existsSync(join(prefix, path)))
  if (found !== undefined) return found
  throw new AppError(
    "unsupported",
    `${wanted.package} has no program for ${process.platform} ${process.arch}.`,
  )
}

function forThisHost(path: string): string {
  return path.replace("{platform}", process.platform).replace("{arch}", process.arch)
}

function unknownAgent(name: string): AppError {
  const names = Object.keys(agentPackages).join(", ")
  return new AppError("agent_not_found", `Berth cannot install an agent ${name}. It can install: ${names}.`)
}
