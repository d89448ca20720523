import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { dist, root } from "./paths.mjs"

const stampFile = join(dist, "build-stamp")
const sources = ["packages", "adapters", "apps", "agents", "scripts/build.ts", "package-lock.json"]

/**
 * Changes whenever a source does: path, size and time of each. A few hundred stats, some milliseconds.
 * @param {string} [folder]
 */
export function sourceStamp(folder = root) {
  const hash = createHash("sha1")
  for (const source of sources) addToStamp(hash, folder, source)
  return hash.digest("hex")
}

/**
 * @param {import("node:crypto").Hash} hash
 * @param {string} folder
 * @param {string} path
 */
function addToStamp(hash, folder, path) {
  const info = statSync(join(folder, path), { throwIfNoEntry: false })
  if (info === undefined) return
  if (!info.isDirectory()) {
    hash.update(`${path}\0${info.size}\0${info.mtimeMs}\n`)
    return
  }
  const entries = readdirSync(join(folder, path), { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isSymbolicLink() || entry.name === "node_modules" || entry.name === "dist") continue
    if (/\.test(-support)?\.[cm]?ts$/.test(entry.name)) continue
    addToStamp(hash, folder, `${path}/${entry.name}`)
  }
}

export function isBuilt() {
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === sourceStamp()
}

/** @param {string} stamp taken before the build, so that a change during it is seen as one */
export function recordBuild(stamp) {
  writeFileSync(stampFile, stamp)
}
