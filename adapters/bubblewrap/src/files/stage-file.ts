import { closeSync, openSync, unlinkSync, write } from "node:fs"
import { promisify } from "node:util"
import { AppError } from "@berth/core"
import { hasErrno } from "../has-errno.ts"

const writeAt = promisify(write)

export interface StagedFile extends Disposable {
  readonly path: string
  readonly fd: number
  readonly size: number
  /** Removes it where it was staged; once moved, does nothing. */
  discard(): void
}

/** A new file of ours holding `content`. `too_large` above `maxBytes`, `storage_full`; nothing is left then. */
export async function stageFile(
  path: string,
  content: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<StagedFile> {
  const fd = openSync(path, "wx", 0o600)
  let size = 0
  try {
    for await (const chunk of content) {
      if (size + chunk.byteLength > maxBytes) {
        throw new AppError(
          "too_large",
          `The file is larger than the ${maxBytes} bytes of this sandbox's disk.`,
        )
      }
      await writeWhole(fd, chunk, size)
      size += chunk.byteLength
    }
  } catch (error) {
    closeSync(fd)
    discard(path)
    if (!hasErrno(error, "ENOSPC", "EDQUOT")) throw error
    throw new AppError("storage_full", "The disk of this host is full.", { cause: error })
  }
  return {
    path,
    fd,
    size,
    discard: () => discard(path),
    [Symbol.dispose]: () => closeSync(fd),
  }
}

async function writeWhole(fd: number, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    const { bytesWritten } = await writeAt(fd, chunk, done, chunk.byteLength - done, position + done)
    done += bytesWritten
  }
}

function discard(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error
  }
}
