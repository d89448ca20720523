import { randomUUID } from "node:crypto"
import { fchmodSync, renameSync, rmdirSync, unlinkSync } from "node:fs"
import { createBreather } from "../breather.ts"
import { hasErrno } from "../has-errno.ts"
import { entryPath, openFolderAnyway, readNames, type EntryName, type OpenFolder } from "./open-folder.ts"

/** Folders deeper than this are first moved up, so that no depth exhausts our file descriptors or stack. */
const deepestFolder = 64
/** How often a folder is emptied again because somebody filled it meanwhile. */
const attempts = 100

/**
 * Removes `name` and all it holds. `trash` is a folder of ours on the same file system: folders nested too
 * deep pass through it. Throws ENOTEMPTY when somebody keeps filling it. Absent is fine.
 */
export async function removeTree(parent: OpenFolder, name: EntryName, trash: OpenFolder): Promise<void> {
  const { breathe } = createBreather()
  const moved: string[] = []

  async function remove(folder: OpenFolder, entry: EntryName, depth: number): Promise<void> {
    for (let attempt = 1; !removeSimple(folder, entry, attempt); attempt += 1) {
      if (depth > deepestFolder) {
        const shelter = randomUUID()
        renameSync(entryPath(folder, entry), entryPath(trash, shelter))
        moved.push(shelter)
        return
      }
      using inner = openForRemoval(folder, entry)
      if (inner === null) continue
      for (const child of readNames(inner)) {
        await remove(inner, child, depth + 1)
        const pause = breathe()
        if (pause !== null) await pause
      }
    }
  }

  await remove(parent, name, 0)
  for (let next = moved.pop(); next !== undefined; next = moved.pop()) await remove(trash, next, 0)
}

/** True when the entry is gone now; false when it is a folder with something in it. */
function removeSimple(folder: OpenFolder, name: EntryName, attempt: number): boolean {
  const path = entryPath(folder, name)
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return true
    if (!hasErrno(error, "EISDIR", "EPERM")) throw error
  }
  try {
    rmdirSync(path)
    return true
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return true
    if (!hasErrno(error, "ENOTEMPTY", "EEXIST", "ENOTDIR") || attempt > attempts) throw error
    return false
  }
}

/** Null when it was replaced or removed since it was seen. */
function openForRemoval(parent: OpenFolder, name: EntryName): OpenFolder | null {
  try {
    const folder = openFolderAnyway(parent, name)
    fchmodSync(folder.fd, 0o700)
    return folder
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return null
    throw error
  }
}
