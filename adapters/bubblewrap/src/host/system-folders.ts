import { lstatSync, readdirSync, readlinkSync } from "node:fs"
import { hasErrno } from "../has-errno.ts"

const rootFolders = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]
/** World-readable, and the operator's rather than the system's. */
const hiddenFolders = ["/usr/local/etc", "/usr/src"]
/** As container runtimes mask them: about the host, not about the sandbox. */
const hiddenProcFiles = [
  "/proc/keys",
  "/proc/key-users",
  "/proc/timer_list",
  "/proc/sched_debug",
  "/proc/kallsyms",
]

/**
 * Arguments that show the host's programs and libraries, read-only, and nothing else of it. `etc` and
 * `empty` are folders of ours.
 */
export function systemArguments(etc: string, empty: string): readonly string[] {
  return [
    ["--ro-bind", "/usr", "/usr"],
    ...hiddenFolders.filter(hasEntries).map((folder) => ["--ro-bind", empty, folder]),
    ...rootFolders.map(rootFolderArguments),
    ["--ro-bind", etc, "/etc"],
    ["--proc", "/proc"],
    ...hiddenProcFiles.filter(exists).map((file) => ["--ro-bind", "/dev/null", file]),
  ].flat()
}

/** `/bin` and its like: a symlink into `/usr` on most systems, a folder of its own on others. */
function rootFolderArguments(name: string): readonly string[] {
  const path = `/${name}`
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return []
  return stats.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path]
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function hasEntries(path: string): boolean {
  try {
    return readdirSync(path).length > 0
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return false
    throw error
  }
}
