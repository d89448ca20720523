import { randomUUID } from "node:crypto"
import { fchmodSync, lchownSync, lstatSync, renameSync, symlinkSync, unlinkSync } from "node:fs"
import { join } from "node:path"
import { AppError, type FileRoot, type SandboxFiles } from "@berth/core"
import { hasErrno } from "../has-errno.ts"
import { checkLinkTarget } from "./check-link-target.ts"
import { entryInfo } from "./file-info.ts"
import { openTrustedFolder, entryPath, type EntryName, type OpenFolder } from "./open-folder.ts"
import { makeParent, openOrMake, openParent, removedMeanwhile } from "./open-parent.ts"
import { giveTo, type Owner } from "./owner.ts"
import { pathNames } from "./path-names.ts"
import { openRegularFile, streamFile } from "./read-file.ts"
import { removeTree } from "./remove-tree.ts"
import { stageFile } from "./stage-file.ts"
import { walkTree } from "./walk-tree.ts"

export interface SandboxFilesOptions {
  /** Host folders whose own path no sandbox can change. */
  readonly roots: Readonly<Record<FileRoot, string>>
  /** A folder of ours on the same file system, not shown inside: files appear from it and vanish into it. */
  readonly staging: string
  readonly owner: Owner | null
  /** `too_large` above it. */
  readonly maxFileBytes: number
}

const permissionBits = 0o777

/** Files of a sandbox from outside, on any file system of this host; see `SandboxFiles`. */
export function createSandboxFiles({
  roots,
  staging,
  owner,
  maxFileBytes,
}: SandboxFilesOptions): SandboxFiles {
  /** Puts what is in `staging` under `name` in its place, whatever is there but a folder. */
  function place(staged: string, folder: OpenFolder, name: EntryName): void {
    try {
      renameSync(staged, entryPath(folder, name))
    } catch (error) {
      unlinkSync(staged)
      if (hasErrno(error, "ENOENT")) throw removedMeanwhile(error)
      if (!hasErrno(error, "EISDIR", "ENOTEMPTY", "EEXIST")) throw error
      throw new AppError("bad_params", "A folder is in the way of this path.", { cause: error })
    }
  }

  return {
    walk: (root) => walkTree(roots[root]),

    async stat(root, path) {
      using parent = openParent(roots[root], pathNames(path))
      return parent && entryInfo(parent.folder, parent.name, path)
    },

    async read(root, path) {
      using parent = openParent(roots[root], pathNames(path))
      const file = parent && openRegularFile(parent.folder, parent.name, path)
      return file && { info: file.info, content: streamFile(file.fd, file.info.size) }
    },

    async write(root, path, content, options = {}) {
      const names = pathNames(path)
      const staged = await stageFile(join(staging, randomUUID()), content, maxFileBytes)
      try {
        using parent = makeParent(roots[root], names, owner)
        const mode = options.mode ?? modeOfFile(parent.folder, parent.name) ?? 0o644
        // The mode after the owner: chown clears bits.
        giveTo(staged.fd, owner)
        fchmodSync(staged.fd, mode & permissionBits)
        place(staged.path, parent.folder, parent.name)
      } catch (error) {
        staged.discard()
        throw error
      } finally {
        staged[Symbol.dispose]()
      }
      return { size: staged.size }
    },

    async link(root, path, target) {
      const names = pathNames(path)
      checkLinkTarget(root, names, target)
      using parent = makeParent(roots[root], names, owner)
      const staged = join(staging, randomUUID())
      symlinkSync(target, staged)
      if (owner !== null) lchownSync(staged, owner.uid, owner.gid)
      place(staged, parent.folder, parent.name)
    },

    async makeDirectory(root, path, options = {}) {
      using parent = makeParent(roots[root], pathNames(path), owner)
      using folder = openOrMake(parent.folder, parent.name, owner)
      if (folder === null) throw new AppError("bad_params", "A file is in the way of this path.")
      if (options.mode !== undefined) fchmodSync(folder.fd, options.mode & permissionBits)
    },

    async remove(root, path) {
      using parent = openParent(roots[root], pathNames(path))
      if (parent === null) return false
      const shelter = randomUUID()
      // Gone for everybody inside at once; emptied afterwards.
      if (!moveAway(entryPath(parent.folder, parent.name), join(staging, shelter))) return false
      using trash = openTrustedFolder(staging)
      await removeTree(trash, shelter, trash)
      return true
    },
  }
}

function modeOfFile(folder: OpenFolder, name: EntryName): number | null {
  const stats = lstatSync(entryPath(folder, name), { throwIfNoEntry: false })
  return stats?.isFile() === true ? stats.mode & permissionBits : null
}

function moveAway(from: string | Buffer, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false
    throw error
  }
}
