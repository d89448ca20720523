import type { BlobHash } from "@berth/protocol"
import type { FileInfo, FileRoot } from "../ports/sandbox-provider.ts"

/**
 * Stamps come from a clock with ticks. Content read within a tick of the change that made its stamp may
 * change once more under the same stamp; read later than this, it cannot. Milliseconds; Linux ticks take up to 10.
 */
const tickMs = 20

/** Blobs are kept from sweep for an hour after somebody asked for them; asked again before that is over. */
const confirmedForMs = 30 * 60_000

interface Remembered {
  readonly stamp: string
  readonly size: number
  readonly hash: BlobHash
  /** When this stamp was first seen. */
  readonly seenAt: number
  readonly isSettled: boolean
}

/** What earlier snapshots learnt of files, so that a file that did not change is not read again. */
export interface StampMemory {
  /** The file's hash, when its content cannot have changed since it was read. */
  hashOf(root: FileRoot, info: FileInfo): BlobHash | null
  /** Notes what was read at `readAt`, after a walk that saw the stamp at `seenAt`. */
  learn(
    root: FileRoot,
    path: string,
    content: { readonly stamp: string; readonly size: number; readonly hash: BlobHash },
    times: { readonly seenAt: number; readonly readAt: number },
  ): void
  /** Whether the store said not long ago that it has the blob. */
  isConfirmed(hash: BlobHash, now: number): boolean
  confirm(hash: BlobHash, now: number): void
  /** Forgets paths and blobs that the newest snapshot does not have. */
  keepOnly(paths: ReadonlySet<string>, hashes: ReadonlySet<BlobHash>): void
}

export function createStampMemory(): StampMemory {
  const files = new Map<string, Remembered>()
  const confirmed = new Map<BlobHash, number>()
  return {
    hashOf(root, info) {
      const known = files.get(pathKey(root, info.path))
      if (known?.isSettled !== true || known.stamp !== info.stamp || known.size !== info.size) return null
      return known.hash
    },
    learn(root, path, { stamp, size, hash }, { seenAt, readAt }) {
      const key = pathKey(root, path)
      const known = files.get(key)
      const firstSeenAt = known?.stamp === stamp ? known.seenAt : seenAt
      files.set(key, { stamp, size, hash, seenAt: firstSeenAt, isSettled: readAt - firstSeenAt >= tickMs })
    },
    isConfirmed(hash, now) {
      const at = confirmed.get(hash)
      return at !== undefined && now - at < confirmedForMs
    },
    confirm(hash, now) {
      confirmed.set(hash, now)
    },
    keepOnly(paths, hashes) {
      for (const key of files.keys()) if (!paths.has(key)) files.delete(key)
      for (const hash of confirmed.keys()) if (!hashes.has(hash)) confirmed.delete(hash)
    },
  }
}

export function pathKey(root: FileRoot, path: string): string {
  return `${root}/${path}`
}
