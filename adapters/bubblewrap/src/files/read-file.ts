import { closeSync, constants, fstatSync, openSync, read } from "node:fs"
import { promisify } from "node:util"
import { AppError, type FileInfo } from "@berth/core"
import { hasErrno } from "../has-errno.ts"
import { statsInfo } from "./file-info.ts"
import { entryPath, type EntryName, type OpenFolder } from "./open-folder.ts"

const readAt = promisify(read)
const chunkBytes = 256 * 1024

/** Null when absent; `bad_params` when it is no regular file. Never waits, whatever is there. */
export function openRegularFile(
  folder: OpenFolder,
  name: EntryName,
  path: string,
): { readonly fd: number; readonly info: FileInfo } | null {
  let fd: number
  try {
    fd = openSync(
      entryPath(folder, name),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    )
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return null
    // ELOOP: a symlink. ENXIO: a socket, or a device without a driver.
    if (hasErrno(error, "ELOOP", "ENXIO", "ENODEV")) throw notRegular(path, error)
    // Somebody inside holds a lease on it (fcntl F_SETLEASE), which this open has begun to break.
    if (hasErrno(error, "EAGAIN")) {
      throw new AppError("busy", "A process inside holds this file; try again.", { cause: error })
    }
    throw error
  }
  const info = statsInfo(fstatSync(fd, { bigint: true }), path)
  if (info.kind === "file") return { fd, info }
  closeSync(fd)
  throw notRegular(path)
}

/**
 * The first `size` bytes of an open file; fewer when it was cut meanwhile, never more: a file somebody
 * keeps extending still ends. Closes the file when read to its end or cancelled.
 */
export function streamFile(fd: number, size: number): ReadableStream<Uint8Array> {
  let position = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = new Uint8Array(Math.min(chunkBytes, size - position))
        try {
          const { bytesRead } = await readAt(fd, chunk, 0, chunk.length, position)
          position += bytesRead
          if (bytesRead > 0) controller.enqueue(chunk.subarray(0, bytesRead))
          if (bytesRead > 0 && position < size) return
        } catch (error) {
          closeSync(fd)
          throw error
        }
        closeSync(fd)
        controller.close()
      },
      cancel() {
        closeSync(fd)
      },
    },
    { highWaterMark: 0 },
  )
}

function notRegular(path: string, cause?: unknown): AppError {
  return new AppError("bad_params", "This path is no regular file.", {
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  })
}
