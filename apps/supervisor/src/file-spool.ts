import { closeSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { Spool } from "@berth/core"
import { createFileBlobs } from "./file-blobs.ts"

export const spoolFileName = "spool.ndjson"
export const spoolBlobsName = "blobs"

/** So much that the log has may stand in the file before it is written anew without. */
const acknowledgedBytesMax = 8 * 1024 * 1024
const copyBytes = 1024 * 1024

/**
 * A spool in `<directory>/spool.ndjson`: one `{"n":…,"body":…}` a line, emptied whenever the log has all of
 * it. Written by plain writes: the kernel has them when this process is killed.
 */
export async function createFileSpool(directory: string): Promise<Spool & { close(): void }> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, spoolFileName)
  let file = openSync(path, "a+", 0o600)
  let size = 0
  /** Where the lines of each write end: n of the last, and the file's size then. */
  let writes: { readonly lastN: number; readonly end: number }[] = []

  const empty = (): void => {
    ftruncateSync(file, 0)
    size = 0
    writes = []
  }

  /** Keeps what stands after `start`; whoever reads meanwhile sees the old file or the new one. */
  const dropBefore = (start: number): void => {
    const next = openSync(`${path}.new`, "w+", 0o600)
    const buffer = Buffer.allocUnsafe(copyBytes)
    for (let at = start; at < size;) {
      const length = readSync(file, buffer, 0, copyBytes, at)
      writeAll(next, buffer.subarray(0, length))
      at += length
    }
    renameSync(`${path}.new`, path)
    closeSync(file)
    file = next
    size -= start
    writes = writes.map(({ lastN, end }) => ({ lastN, end: end - start }))
  }

  return {
    blobs: createFileBlobs(join(directory, spoolBlobsName)),
    async append(lines) {
      const text = Buffer.from(lines.map(({ n, text: body }) => `{"n":${n},"body":${body}}\n`).join(""))
      // Synchronous: a write into the page cache is quicker than a trip through the thread pool.
      try {
        writeAll(file, text)
      } catch (error) {
        // Half a line would spoil the next one.
        ftruncateSync(file, size)
        throw error
      }
      size += text.byteLength
      writes.push({ lastN: lines.at(-1)?.n ?? 0, end: size })
    },
    async trim(n) {
      const kept = writes.findIndex(({ lastN }) => lastN > n)
      if (kept === -1) return empty()
      const start = writes[kept - 1]?.end ?? 0
      if (start < acknowledgedBytesMax) return
      writes = writes.slice(kept)
      dropBefore(start)
    },
    close: () => closeSync(file),
  }
}

function writeAll(file: number, bytes: Buffer): void {
  let written = 0
  while (written < bytes.byteLength) written += writeSync(file, bytes, written)
}
