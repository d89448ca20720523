import { lstatSync, mkdirSync } from "node:fs"
import { AppError } from "@berth/core"
import { hasErrno } from "../has-errno.ts"
import { giveTo, type Owner } from "./owner.ts"
import { entryPath, openFolder, openTrustedFolder, type OpenFolder } from "./open-folder.ts"

export interface Parent extends Disposable {
  readonly folder: OpenFolder
  /** The last name of the path, in that folder. */
  readonly name: string
}

/**
 * Opens the folder that holds the last of `names`, one after the other from `root`, a path no sandbox can
 * change. Null when a folder is missing. `bad_params` when the way leads through a symlink.
 */
export function openParent(root: string, names: readonly string[]): Parent | null {
  return descend(root, names, openExisting)
}

/** As `openParent`, making the folders that are missing. `bad_params` when a file is in the way. */
export function makeParent(root: string, names: readonly string[], owner: Owner | null): Parent {
  const parent = descend(root, names, (folder, name) => openOrMake(folder, name, owner))
  if (parent === null) throw new AppError("bad_params", "A file is in the way of this path.")
  return parent
}

/** The folder `name`, made where it is missing; null when it is something else. */
export function openOrMake(
  parent: OpenFolder,
  name: string,
  owner: Owner | null,
  mode = 0o755,
): OpenFolder | null {
  try {
    mkdirSync(entryPath(parent, name), mode)
  } catch (error) {
    if (hasErrno(error, "ENOENT")) throw removedMeanwhile(error)
    if (!hasErrno(error, "EEXIST")) throw error
    return openExisting(parent, name)
  }
  const folder = openExisting(parent, name)
  if (folder !== null) giveTo(folder.fd, owner)
  return folder
}

/** For a folder that we hold open and that has no place in the tree any more. */
export function removedMeanwhile(cause: unknown): AppError {
  return new AppError("busy", "The folder was removed meanwhile: try again.", { cause })
}

function descend(
  root: string,
  names: readonly string[],
  step: (folder: OpenFolder, name: string) => OpenFolder | null,
): Parent | null {
  const name = names.at(-1)
  if (name === undefined) throw new AppError("bad_params", "The path names nothing.")
  let folder = openTrustedFolder(root)
  try {
    for (const next of names.slice(0, -1)) {
      const inner = step(folder, next)
      folder[Symbol.dispose]()
      if (inner === null) return null
      folder = inner
    }
  } catch (error) {
    folder[Symbol.dispose]()
    throw error
  }
  return { folder, name, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

function openExisting(parent: OpenFolder, name: string): OpenFolder | null {
  try {
    return openFolder(parent, name)
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return null
    if (!hasErrno(error, "ENOTDIR", "ELOOP")) throw error
    const entry = lstatSync(entryPath(parent, name), { throwIfNoEntry: false })
    if (entry?.isSymbolicLink() !== true) return null
    throw new AppError("bad_params", "The path leads through a symlink.", { cause: error })
  }
}
