import { lstatSync } from "node:fs"
import { createBreather } from "../breather.ts"
import {
  openFolderAnyway,
  openTrustedFolder,
  readNames,
  entryPath,
  type OpenFolder,
} from "../files/open-folder.ts"
import { hasErrno } from "../has-errno.ts"
import { deletedFiles } from "./deleted-files.ts"

export interface DiskLimits {
  readonly bytes: number
  /** Files, folders and all else that has an inode. */
  readonly files: number
}

export interface DiskUse {
  readonly bytes: number
  readonly files: number
  readonly isOver: boolean
}

/** No program nests so deep; a tree that does counts as over its limit, since we would not see its end. */
const deepestFolder = 400
const blockBytes = 512
const bytesPerInode = 256
const filesPerMib = 64
const fewestFiles = 10_000

export function diskLimits(diskMib: number): DiskLimits {
  return { bytes: diskMib * 1024 * 1024, files: Math.max(fewestFiles, diskMib * filesPerMib) }
}

/**
 * What is allocated below `roots`, hard links once, and in deleted files that `pids` still hold open. Stops
 * at the limit, so that a hostile tree costs no more than the largest honest one.
 */
export async function measureDisk(
  roots: readonly string[],
  pids: () => readonly number[],
  limits: DiskLimits,
): Promise<DiskUse> {
  const { breathe } = createBreather()
  const linked = new Set<number>()
  let bytes = 0
  let files = 0
  let isTooDeep = false
  const isOver = (): boolean => isTooDeep || bytes > limits.bytes || files > limits.files

  function count(stats: { nlink: number; ino: number; blocks: number }, isFolder: boolean): void {
    if (!isFolder && stats.nlink > 1) {
      if (linked.has(stats.ino)) return
      linked.add(stats.ino)
    }
    files += 1
    bytes += stats.blocks * blockBytes + bytesPerInode
  }

  async function measure(folder: OpenFolder, depth: number): Promise<void> {
    if (depth > deepestFolder) isTooDeep = true
    for (const name of readNames(folder)) {
      if (isOver()) return
      const stats = lstatSync(entryPath(folder, name), { throwIfNoEntry: false })
      if (stats === undefined) continue
      count(stats, stats.isDirectory())
      if (stats.isDirectory()) {
        using inner = openIfThere(() => openFolderAnyway(folder, name))
        if (inner !== null) await measure(inner, depth + 1)
      }
      const pause = breathe()
      if (pause !== null) await pause
    }
  }

  for (const path of roots) {
    using root = openIfThere(() => openTrustedFolder(path))
    // Absent: the sandbox is being destroyed.
    if (root !== null) await measure(root, 0)
  }
  if (!isOver()) {
    for (const stats of deletedFiles(pids(), roots)) {
      count(stats, false)
      const pause = breathe()
      if (pause !== null) await pause
      if (isOver()) break
    }
  }
  return { bytes, files, isOver: isOver() }
}

function openIfThere(open: () => OpenFolder): OpenFolder | null {
  try {
    return open()
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return null
    throw error
  }
}
