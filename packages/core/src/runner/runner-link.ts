import type { BlobHash, Budget, Entry, EntryBody, NetworkPolicy, PermissionPolicy } from "@berth/protocol"
import type { OpenQuestion, PendingCommand } from "../session/head.ts"

/** What a runner needs to know of its session; sent on attach, changed by `_berth/session_updated`. */
export interface RunnerSession {
  readonly sessionId: string
  readonly model: string | null
  readonly mode: string | null
  readonly instructions: string | null
  readonly permissions: PermissionPolicy
  readonly trustWorkspace: boolean
  readonly network: NetworkPolicy
  readonly budget: Budget | null
  readonly permissionHoldMs: number
  readonly limits: {
    readonly memoryMib: number
    readonly cpu: number
    readonly pids: number
    readonly diskMib: number
  }
  /** The session's own variables, with their values: they reach every process in the sandbox. */
  readonly env: Readonly<Record<string, string>>
}

export interface Attachment {
  readonly session: RunnerSession
  readonly headSeq: number
  /** Highest n of this generation that the log holds. */
  readonly lastN: number
  /** Commands nobody has finished, oldest first, with the state an earlier runner left them in. */
  readonly commands: readonly PendingCommand[]
  readonly openTurn: { readonly turnId: string; readonly commandSeq: number } | null
  readonly openQuestions: readonly OpenQuestion[]
  readonly agentSessionId: string | null
  /** What to restore into a new sandbox, or null: the snapshot and the files changed after it. */
  readonly snapshot: { readonly manifest: BlobHash; readonly seq: number } | null
  readonly leaseTtlMs: number
}

/**
 * The log as a runner has it, bound to one (log, generation, epoch). Over HTTP in the supervisor,
 * directly over the stores in tests. Errors as in `EventLog`; `stale_epoch` and `log_closed` mean:
 * stop everything, nothing more will be taken.
 */
export interface RunnerLink {
  /** Says that the runner lives, renews its lease, and learns where the log stands. Repeatable. */
  attach(request: {
    readonly isolation: Readonly<Record<string, unknown>> & { readonly level: string }
  }): Promise<Attachment>
  /**
   * Entries of clients and of our side after `after`, then as they come. Ends when the log closes. In
   * their places among them come `_berth/turn_started` and `_berth/turn_ended` of runners: a cancel
   * applies to the turn that is open at its own seq, and only the log knows which one that is.
   */
  commands(after: number, options: { readonly signal: AbortSignal }): AsyncIterable<readonly Entry[]>
  /** Contiguous numbers from `firstN`; repeats are skipped. Resolves when durable. */
  append(firstN: number, bodies: readonly EntryBody[]): Promise<{ readonly lastN: number }>
  renew(): Promise<void>
  /** The sandbox holds what the snapshot of entry `snapshotSeq` held. */
  restored(snapshotSeq: number): Promise<void>
  /** The sandbox is snapshotted and gone: says `released`, and gives the lease back. */
  release(reason: string): Promise<void>
  readonly blobs: {
    missing(hashes: readonly BlobHash[]): Promise<readonly BlobHash[]>
    put(hash: BlobHash, content: ReadableStream<Uint8Array>): Promise<void>
    get(hash: BlobHash): Promise<ReadableStream<Uint8Array> | null>
  }
}
