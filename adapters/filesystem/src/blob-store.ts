import { readdirSync, statSync, unlinkSync, utimesSync } from "node:fs"
import { mkdir, readdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { AppError, type BlobStore, type Clock } from "@berth/core"
import { isBlobHash, isProjectId, type BlobHash, type ProjectId } from "@berth/protocol"
import { createDurableDirectories, syncDirectory } from "./durable-directory.ts"
import { isCode, translateError } from "./file-error.ts"
import { readFileRange } from "./read-file-range.ts"
import { writeTemporary } from "./write-temporary.ts"

/** For how long a blob that somebody asked for survives a sweep. */
const leaseMs = 3_600_000
/** Reads renew the lease at most this often. */
const touchAfterMs = 600_000

export interface FilesystemBlobStore extends BlobStore {
  /** Those that ever had a blob here. */
  projects(): Promise<readonly ProjectId[]>
}

/**
 * Blobs as files `<directory>/<project>/<first two digits>/<hash>`. The file's mtime is its lease,
 * by the clock passed in. One process at a time owns the directory: what an earlier one left half
 * written is removed here.
 */
export async function createFilesystemBlobStore(options: {
  readonly directory: string
  readonly clock: Clock
}): Promise<FilesystemBlobStore> {
  const { directory, clock } = options
  // No project is called this: their names hold no dot.
  const temporary = join(directory, ".tmp")
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true, mode: 0o700 })
  const makeDirectory = createDurableDirectories(directory)

  const folderOf = (project: ProjectId): string => {
    if (!isProjectId(project))
      throw new AppError("bad_params", "A project's name is letters, digits, _ and -.")
    return join(directory, project)
  }
  const pathOf = (project: ProjectId, hash: BlobHash): string => {
    if (!isBlobHash(hash))
      throw new AppError("bad_params", "A blob's hash is 64 lower-case hexadecimal digits.")
    return join(folderOf(project), hash.slice(0, 2), hash)
  }
  /** Synchronous, as is the look of sweep: between look and removal nobody can take a blob for safe. */
  const touch = (path: string): boolean => {
    const seconds = clock.now() / 1000
    try {
      utimesSync(path, seconds, seconds)
      return true
    } catch (error) {
      if (isCode(error, "ENOENT")) return false
      throw error
    }
  }

  return {
    async put(project, content, { expected, maxBytes } = {}) {
      const folder = folderOf(project)
      try {
        const written = await writeTemporary(temporary, content, maxBytes)
        try {
          const { hash, size } = written
          refuseOther(hash, expected)
          const parent = join(folder, hash.slice(0, 2))
          await makeDirectory(parent)
          // The lease counts from now by our clock, not by the disk's.
          touch(written.path)
          if (!touch(pathOf(project, hash))) await written.moveTo(pathOf(project, hash))
          // Also when another call moved it there: that one may not have synced yet.
          await syncDirectory(parent)
          return { hash, size }
        } finally {
          await written.discard()
        }
      } catch (error) {
        throw translateError(error)
      }
    },
    async get(project, hash, { start = 0, end } = { start: 0 }) {
      const path = pathOf(project, hash)
      const found = await unlessAbsent(stat(path))
      if (found === null) return null
      const { size, mtimeMs } = found
      if (clock.now() - mtimeMs > touchAfterMs && !touch(path)) return null
      return { size, content: readFileRange(path, start, Math.min(end ?? size, size)) }
    },
    async missing(project, hashes) {
      return hashes.filter((hash) => !touch(pathOf(project, hash)))
    },
    async projects() {
      return (await readdir(directory)).filter(isProjectId)
    },
    async sweep(project, isLive) {
      let removed = 0
      for (const folder of (await unlessAbsent(readdir(folderOf(project)))) ?? []) {
        for (const name of readdirSync(join(folderOf(project), folder))) {
          if (!isBlobHash(name) || isLive(name)) continue
          const path = pathOf(project, name)
          if (clock.now() - statSync(path).mtimeMs < leaseMs) continue
          unlinkSync(path)
          removed += 1
        }
      }
      return removed
    },
  }
}

function refuseOther(actual: BlobHash, expected: BlobHash | undefined): void {
  if (expected === undefined || expected === actual) return
  throw new AppError("bad_request", "The content is not that of the hash given. Send it again.", {
    details: { expected, actual },
  })
}

async function unlessAbsent<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work
  } catch (error) {
    if (isCode(error, "ENOENT")) return null
    throw error
  }
}
