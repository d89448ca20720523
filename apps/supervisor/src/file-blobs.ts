import { createReadStream } from "node:fs"
import { access, mkdir, open, rename } from "node:fs/promises"
import { join } from "node:path"
import { Readable } from "node:stream"
import type { RunnerLink } from "@berth/core"

/** Content by hash, a file each: where a last snapshot goes when no log can be reached. */
export function createFileBlobs(directory: string): RunnerLink["blobs"] {
  const pathOf = (hash: string): string => join(directory, hash)

  const has = async (hash: string): Promise<boolean> => {
    try {
      await access(pathOf(hash))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false
      throw error
    }
  }

  return {
    async missing(hashes) {
      const found = await Promise.all(hashes.map(has))
      return hashes.filter((_, index) => found[index] !== true)
    },
    async put(hash, content) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const path = pathOf(hash)
      const file = await open(`${path}.new`, "w", 0o600)
      try {
        for await (const chunk of content) await file.write(chunk)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${path}.new`, path)
    },
    async get(hash) {
      if (!(await has(hash))) return null
      return Readable.toWeb(createReadStream(pathOf(hash))) as ReadableStream<Uint8Array>
    },
  }
}
