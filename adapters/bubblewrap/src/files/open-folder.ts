import { chmodSync, closeSync, constants, fchmodSync, fstatSync, openSync, opendirSync } from "node:fs"
import { hasErrno } from "../has-errno.ts"

/**
 * The primitives for reading a tree that somebody hostile writes at the same moment. A folder is held open
 * and its entries are reached as `/proc/self/fd/<fd>/<name>`: the kernel resolves one name below one inode,
 * so that swapping a parent for a symlink changes nothing. Every open refuses a symlink as its last name.
 * Names are bytes: a sandbox may use any but `/` and NUL.
 */
export interface OpenFolder extends Disposable {
  readonly fd: number
}

export type EntryName = string | Buffer

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** Not in `node:fs`: a handle that needs no permission and opens no device. */
const pathOnlyFlag = 0o10000000

/** A folder whose path no sandbox can change. */
export function openTrustedFolder(path: string): OpenFolder {
  return hold(openSync(path, folderFlags))
}

/** The path by which system calls reach one entry; symlinks in it are not followed by lstat, unlink, rename, open with O_NOFOLLOW. */
export function entryPath(folder: OpenFolder, name: EntryName): string | Buffer {
  const prefix = `/proc/self/fd/${folder.fd}/`
  return typeof name === "string" ? prefix + name : Buffer.concat([Buffer.from(prefix), name])
}

/** Throws ENOENT when absent, ENOTDIR or ELOOP when it is no folder. */
export function openFolder(parent: OpenFolder, name: EntryName): OpenFolder {
  return hold(openSync(entryPath(parent, name), folderFlags))
}

/**
 * As `openFolder`, also when its mode keeps its owner out: where we are not root, a sandbox could otherwise
 * hide files from us. While it is held its mode lets us in.
 */
export function openFolderAnyway(parent: OpenFolder, name: EntryName): OpenFolder {
  try {
    return openFolder(parent, name)
  } catch (error) {
    if (!hasErrno(error, "EACCES")) throw error
  }
  using handle = hold(openSync(entryPath(parent, name), folderFlags | pathOnlyFlag))
  const { mode } = fstatSync(handle.fd)
  const byHandle = `/proc/self/fd/${handle.fd}`
  chmodSync(byHandle, 0o700)
  const folder = hold(openSync(byHandle, constants.O_RDONLY | constants.O_DIRECTORY))
  return {
    fd: folder.fd,
    [Symbol.dispose]() {
      fchmodSync(folder.fd, mode & 0o7777)
      folder[Symbol.dispose]()
    },
  }
}

/** Names in a folder, in the file system's order. */
export function* readNames(folder: OpenFolder): Generator<Buffer, void> {
  // The types know no Buffer names for opendir.
  const entries = opendirSync(`/proc/self/fd/${folder.fd}`, {
    encoding: "buffer" as BufferEncoding,
    bufferSize: 256,
  })
  try {
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
      const name: unknown = entry.name
      yield Buffer.isBuffer(name) ? name : Buffer.from(String(name))
    }
  } finally {
    entries.closeSync()
  }
}

function hold(fd: number): OpenFolder {
  return {
    fd,
    [Symbol.dispose]() {
      closeSync(fd)
    },
  }
}
