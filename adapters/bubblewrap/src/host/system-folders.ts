import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs"
import { hasErrno } from "../has-errno.ts"

const rootFolders = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]
/** World-readable, and the operator's rather than the system's. */
const hiddenFolders = ["/usr/local/etc"]
/** About the host rather than the sandbox, and not for root alone. */
const hiddenProcFiles = ["/proc/keys", "/proc/sched_debug"]
const kernelAddresses = "/proc/kallsyms"

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
    ...[...hiddenProcFiles, ...(showsKernelAddresses() ? [kernelAddresses] : [])]
      .filter(exists)
      .map((file) => ["--ro-bind", "/dev/null", file]),
  ].flat()
}

/** `/bin` and its like: a symlink into `/usr` on most systems, a folder of its own on others. */
function rootFolderArguments(name: string): readonly string[] {
  const path = `/${name}`
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return []
  return stats.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path]
}

/** Whether the kernel shows its addresses to everybody: what hides them otherwise need not cost a mount. */
function showsKernelAddresses(): boolean {
  const setting = (name: string): number => {
    const path = `/proc/sys/kernel/${name}`
    return exists(path) ? Number(readFileSync(path, "utf8")) : 0
  }
  return setting("kptr_restrict") === 0 && setting("perf_event_paranoid") <= 1
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
