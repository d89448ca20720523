import { readFileSync, readdirSync, statSync, type Stats } from "node:fs"
import { hasErrno } from "../has-errno.ts"

/**
 * Files on the file systems of `roots` that have no name any more and are kept by a process: open, or mapped
 * into its memory. Each once. A file whose only descriptor waits unread in a socket is not seen.
 */
export function* deletedFiles(pids: readonly number[], roots: readonly string[]): Generator<Stats> {
  const devices = new Set(roots.map((root) => unlessGone(() => statSync(root).dev)))
  const seen = new Set<number>()
  for (const pid of pids) {
    for (const path of [...openFiles(pid), ...deletedMappings(pid)]) {
      // A magic link: stat looks at what is open, without following any path.
      const stats = unlessGone(() => statSync(path))
      if (stats === null || stats.nlink !== 0 || !stats.isFile()) continue
      if (!devices.has(stats.dev) || seen.has(stats.ino)) continue
      seen.add(stats.ino)
      yield stats
    }
  }
}

function openFiles(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`
  return (unlessGone(() => readdirSync(folder)) ?? []).map((name) => `${folder}/${name}`)
}

function deletedMappings(pid: number): readonly string[] {
  const maps = unlessGone(() => readFileSync(`/proc/${pid}/maps`, "latin1"))
  if (maps === null || !maps.includes(" (deleted)")) return []
  return maps
    .split("\n")
    .filter((line) => line.endsWith(" (deleted)"))
    .map((line) => `/proc/${pid}/map_files/${trimZeros(line.slice(0, line.indexOf(" ")))}`)
}

/** `maps` pads addresses, `map_files` does not. */
function trimZeros(range: string): string {
  return range.replaceAll(/\b0+(?=[0-9a-f])/g, "")
}

function unlessGone<Value>(read: () => Value): Value | null {
  try {
    return read()
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH", "EACCES", "EPERM", "ENXIO")) return null
    throw error
  }
}
