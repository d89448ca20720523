import { AppError, type BlobStore, type Clock } from "@berth/core"
import { isBlobHash, isProjectId, type BlobHash, type ProjectId } from "@berth/protocol"

const leaseMs = 3_600_000

interface StoredBlob {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** When somebody last asked for it. */
  askedAt: number
}

/** The reference BlobStore. */
export function createMemoryBlobStore(options: { readonly clock: Clock }): BlobStore {
  const { clock } = options
  const projects = new Map<ProjectId, Map<BlobHash, StoredBlob>>()

  const blobsOf = (project: ProjectId): Map<BlobHash, StoredBlob> => {
    if (!isProjectId(project)) {
      throw new AppError("bad_params", "A project's name is letters, digits, _ and -.")
    }
    const blobs = projects.get(project) ?? new Map<BlobHash, StoredBlob>()
    projects.set(project, blobs)
    return blobs
  }
  const ask = (project: ProjectId, hash: BlobHash): StoredBlob | null => {
    const blobs = blobsOf(project)
    if (!isBlobHash(hash)) {
      throw new AppError("bad_params", "A blob's hash is 64 lower-case hexadecimal digits.")
    }
    const blob = blobs.get(hash)
    if (blob === undefined) return null
    blob.askedAt = clock.now()
    return blob
  }

  return {
    async put(project, content, { expected, maxBytes = Number.POSITIVE_INFINITY } = {}) {
      const blobs = blobsOf(project)
      const bytes = await collect(content, maxBytes)
      const hash = await sha256(bytes)
      if (expected !== undefined && expected !== hash) {
        throw new AppError("bad_request", "The content is not that of the hash given. Send it again.", {
          details: { expected, actual: hash },
        })
      }
      if (ask(project, hash) === null) blobs.set(hash, { bytes, askedAt: clock.now() })
      return { hash, size: bytes.byteLength }
    },
    async get(project, hash, { start = 0, end } = { start: 0 }) {
      const blob = ask(project, hash)
      if (blob === null) return null
      const part = blob.bytes.slice(start, end)
      const content = new ReadableStream<Uint8Array>({
        start(controller) {
          if (part.byteLength > 0) controller.enqueue(part)
          controller.close()
        },
      })
      return { size: blob.bytes.byteLength, content }
    },
    async missing(project, hashes) {
      return hashes.filter((hash) => ask(project, hash) === null)
    },
    async sweep(project, isLive) {
      const blobs = blobsOf(project)
      const dead = [...blobs].filter(([hash, blob]) => !isLive(hash) && clock.now() - blob.askedAt >= leaseMs)
      for (const [hash] of dead) blobs.delete(hash)
      return dead.length
    },
  }
}

async function collect(
  content: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of content) {
    size += chunk.byteLength
    if (size > maxBytes) {
      throw new AppError("too_large", `The content is larger than ${maxBytes} bytes.`, {
        details: { maxBytes },
      })
    }
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<BlobHash> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") as BlobHash
}
