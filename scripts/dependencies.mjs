import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import { root } from "./paths.mjs"
import { say, stop } from "./say.mjs"

/** @typedef {{ version?: string, link?: boolean, optional?: boolean, devOptional?: boolean }} LockedPackage */

/**
 * The packages of a lock file by folder; null when there is none.
 * @param {string} path
 * @returns {Record<string, LockedPackage> | null}
 */
function readLock(path) {
  if (!existsSync(path)) return null
  const lock = /** @type {{ packages?: Record<string, LockedPackage> }} */ (
    JSON.parse(readFileSync(path, "utf8"))
  )
  return lock.packages ?? null
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm's own record of what it installed is
 * compared, so this costs milliseconds. Optional packages of other platforms may be missing.
 * @param {string} [folder]
 */
export function hasDependencies(folder = root) {
  const wanted = readLock(join(folder, "package-lock.json"))
  const present = readLock(join(folder, "node_modules/.package-lock.json"))
  if (wanted === null || present === null) return false
  return Object.entries(wanted).every(([path, { version, link, optional, devOptional }]) => {
    if (link === true || !path.includes("node_modules/")) return true
    const found = present[path]
    return found === undefined ? optional === true || devOptional === true : found.version === version
  })
}

/** Installs what the lock file names, when it is not there. Ends the process when npm fails. */
export function ensureDependencies() {
  if (hasDependencies()) return
  say("installing dependencies (npm ci)")
  // npm empties node_modules first: the Node it runs under must not be the one in there.
  const path = (process.env.PATH ?? "").split(delimiter).filter((entry) => !entry.includes("node_modules"))
  const { status, error } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, PATH: path.join(delimiter) },
  })
  if (error !== undefined) stop(`npm cannot be started (${error.message}): install Node.js with npm`)
  if (status !== 0) stop("npm ci failed; its words are above")
  if (!hasDependencies()) stop("npm ci left packages out: run npm ci and read its words")
}
