import { createHash, randomUUID } from "node:crypto"
import { open, rename, rm, type FileHandle } from "node:fs/promises"
import { join } from "node:path"
import { AppError } from "@berth/core"
import type { BlobHash } from "@berth/protocol"

export interface TemporaryFile {
  readonly path: string
  readonly hash: BlobHash
  readonly size: number
  /** Atomic; replaces what is there. */
  moveTo(path: string): Promise<void>
  /** Idempotent; nothing to do after `moveTo`. */
  discard(): Promise<void>
}

/**
 * Streams content into a new file, hashes it on the way, and syncs it. Leaves no file when it throws:
 * `too_large` over `maxBytes`, an error of the disk, or whatever the stream ended with.
 */
export async function writeTemporary(
  directory: string,
  content: ReadableStream<Uint8Array>,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<TemporaryFile> {
  const path = join(directory, randomUUID())
  const discard = (): Promise<void> => rm(path, { force: true })
  try {
    const file = await open(path, "wx", 0o600)
    try {
      const { hash, size } = await writeStream(file, content, maxBytes)
      await file.sync()
      return { path, hash, size, discard, moveTo: (target) => rename(path, target) }
    } finally {
      await file.close()
    }
  } catch (error) {
    await discard()
    throw error
  }
}

async function writeStream(
  file: FileHandle,
  content: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<{ readonly hash: BlobHash; readonly size: number }> {
  const sha256 = createHash("sha256")
  let size = 0
  for await (const chunk of content) {
    size += chunk.byteLength
    if (size > maxBytes) {
      throw new AppError("too_large", `The content is larger than ${maxBytes} bytes.`, {
        details: { maxBytes },
      })
    }
    sha256.update(chunk)
    await file.writeFile(chunk)
  }
  return { hash: sha256.digest("hex") as BlobHash, size }
}
