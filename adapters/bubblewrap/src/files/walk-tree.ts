import type { FileInfo } from "@berth/core"
import { createBreather } from "../breather.ts"
import { hasErrno } from "../has-errno.ts"
import { entryInfo } from "./file-info.ts"
import { openFolderAnyway, openTrustedFolder, readNames, type OpenFolder } from "./open-folder.ts"

/** Folders deeper than this are named (`other`) and not entered: each level holds a file descriptor. */
const deepestFolder = 256

interface Level {
  readonly folder: OpenFolder
  readonly names: Generator<Buffer, void>
  /** Path of the folder with a final `/`; empty for the root. */
  readonly prefix: string
}

/**
 * Everything below `root`, folders before what they hold, while others may be writing there. What vanishes
 * meanwhile is left out. A name that is not UTF-8 cannot be a path here: its entry is of kind `other`, with
 * `U+FFFD` in its path, and not entered.
 */
export async function* walkTree(root: string): AsyncGenerator<FileInfo> {
  const { breathe } = createBreather()
  const levels: Level[] = [enter(openTrustedFolder(root), "")]
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const next = level.names.next()
      if (next.done === true) {
        levels.pop()
        leave(level)
        continue
      }
      const name = next.value
      const info = entryInfo(level.folder, name, level.prefix + name.toString())
      if (info === null) continue
      if (info.kind === "directory" && isEnterable(name, levels.length)) {
        const inner = openInner(level.folder, name)
        if (inner === null) continue
        levels.push(enter(inner, `${info.path}/`))
        yield info
      } else {
        yield info.kind !== "directory" && isText(name) ? info : { ...info, kind: "other" }
      }
      const pause = breathe()
      if (pause !== null) await pause
    }
  } finally {
    for (const level of levels.toReversed()) leave(level)
  }
}

function isEnterable(name: Buffer, depth: number): boolean {
  return depth < deepestFolder && isText(name)
}

function isText(name: Buffer): boolean {
  return Buffer.from(name.toString()).equals(name)
}

function enter(folder: OpenFolder, prefix: string): Level {
  return { folder, names: readNames(folder), prefix }
}

function leave(level: Level): void {
  level.names.return(undefined)
  level.folder[Symbol.dispose]()
}

/** Null when it was replaced or removed since it was seen. */
function openInner(parent: OpenFolder, name: Buffer): OpenFolder | null {
  try {
    return openFolderAnyway(parent, name)
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return null
    throw error
  }
}
