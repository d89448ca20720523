import { lstatSync, readlinkSync, type BigIntStats } from "node:fs"
import type { FileInfo } from "@berth/core"
import { hasErrno } from "../has-errno.ts"
import { entryPath, type EntryName, type OpenFolder } from "./open-folder.ts"

/** What an entry is, itself: a symlink is not followed. Null when it is gone. */
export function entryInfo(folder: OpenFolder, name: EntryName, path: string): FileInfo | null {
  const at = entryPath(folder, name)
  const stats = lstatSync(at, { bigint: true, throwIfNoEntry: false })
  if (stats === undefined) return null
  const info = statsInfo(stats, path)
  if (info.kind !== "symlink") return info
  try {
    return { ...info, target: readlinkSync(at) }
  } catch (error) {
    // Gone or replaced since: what was seen is no longer there.
    if (hasErrno(error, "ENOENT", "EINVAL")) return null
    throw error
  }
}

export function statsInfo(stats: BigIntStats, path: string): FileInfo {
  return {
    path,
    kind: kindOf(stats),
    size: stats.isFile() ? Number(stats.size) : 0,
    mode: Number(stats.mode) & 0o777,
    stamp: `${stats.ctimeNs.toString(36)}-${stats.ino.toString(36)}`,
  }
}

function kindOf(stats: BigIntStats): FileInfo["kind"] {
  if (stats.isFile()) return "file"
  if (stats.isDirectory()) return "directory"
  return stats.isSymbolicLink() ? "symlink" : "other"
}
