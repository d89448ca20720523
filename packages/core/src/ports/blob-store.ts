import type { BlobHash, ProjectId } from "@berth/protocol"

/** Content by sha-256, scoped by project: whether another project has a blob is never observable. */
export interface BlobStore {
  /**
   * Stores what the stream holds; durable when it resolves. With `expected`, a different content is
   * refused (`bad_request`) and nothing is kept. `too_large` over `maxBytes`. Idempotent.
   */
  put(
    project: ProjectId,
    content: ReadableStream<Uint8Array>,
    options?: { readonly expected?: BlobHash; readonly maxBytes?: number },
  ): Promise<{ readonly hash: BlobHash; readonly size: number }>
  /** Null when absent. `start` inclusive, `end` exclusive, in bytes. */
  get(
    project: ProjectId,
    hash: BlobHash,
    range?: { readonly start: number; readonly end?: number },
  ): Promise<{ readonly size: number; readonly content: ReadableStream<Uint8Array> } | null>
  /** Those of `hashes` that are missing; the others are kept from sweep for an hour. */
  missing(project: ProjectId, hashes: readonly BlobHash[]): Promise<readonly BlobHash[]>
  /** Removes blobs that `isLive` does not hold and nobody asked for within the last hour. */
  sweep(project: ProjectId, isLive: (hash: BlobHash) => boolean): Promise<number>
}
