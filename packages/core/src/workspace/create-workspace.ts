import type { BlobHash } from "@berth/protocol"
import type { Clock } from "../ports/runtime.ts"
import type { SandboxFiles } from "../ports/sandbox-provider.ts"
import type { RunnerLink } from "../runner/runner-link.ts"
import type { SnapshotResult, SnapshotSource } from "../runner/snapshot-source.ts"
import type { HashContent } from "./read-content.ts"
import { restoreSnapshot, type RestoreResult } from "./restore-snapshot.ts"
import { createStampMemory } from "./stamp-memory.ts"
import { takeSnapshot } from "./take-snapshot.ts"

export interface WorkspaceOptions {
  readonly files: SandboxFiles
  readonly blobs: RunnerLink["blobs"]
  /** Globs below the home (`compileGlobs`): the agent's conversation. Everything else there stays behind. */
  readonly memory: readonly string[]
  /** Globs below the workspace that stay out of snapshots. */
  readonly ignore?: readonly string[]
  /**
   * What a sandbox may hold. A snapshot of more is refused (`storage_full`): the sandbox it is restored to
   * would be ended for it at once, and the next one too. Without it, no bound.
   */
  readonly maxBytes?: number
  /**
   * Sha-256 of a stream. Passed in: the web's own digest wants all of it in memory, and the host's native one
   * is several times as fast as any written in JavaScript.
   */
  readonly hashContent: HashContent
  readonly clock: Pick<Clock, "now">
}

/** The files of one sandbox, as snapshots know them. Calls must not overlap. */
export interface Workspace extends SnapshotSource {
  snapshot(): Promise<SnapshotResult>
  restore(manifest: BlobHash): Promise<RestoreResult>
}

export function createWorkspace(options: WorkspaceOptions): Workspace {
  const { ignore = [], maxBytes = Number.POSITIVE_INFINITY } = options
  const workspace = { ...options, ignore, maxBytes, stamps: createStampMemory() }
  return {
    snapshot: () => takeSnapshot(workspace),
    restore: (manifest) => restoreSnapshot(workspace, manifest),
  }
}
