import type { BlobHash } from "@berth/protocol"

export interface SkippedPaths {
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
  readonly skippedCount: number
}

export interface SnapshotResult extends SkippedPaths {
  /** Hash of the manifest blob; equal trees have equal hashes. */
  readonly manifest: BlobHash
  readonly files: number
  readonly bytes: number
  /** Something changed while it was read. */
  readonly fuzzy: boolean
}

/** What a runner needs of a workspace: `createWorkspace` gives one over a sandbox's files. */
export interface SnapshotSource {
  /** Brings an empty sandbox to what the manifest says, but for what is named in the result. */
  restore(manifest: BlobHash): Promise<SkippedPaths>
  /** All blobs are durable when it resolves. */
  snapshot(): Promise<SnapshotResult>
}
