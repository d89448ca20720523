import type { LogId } from "@berth/protocol"
import type { Head } from "../session/head.ts"

export interface Lease {
  /** Highest epoch ever given; 0 when none was. */
  readonly epoch: number
  /** Null when released or never claimed. */
  readonly holder: string | null
  /** Milliseconds that are left, by the store's clock; 0 when expired or not held. */
  readonly remainingMs: number
}

/**
 * Who may append to a log. Time is the store's own clock alone. Epochs only grow, survive restarts,
 * and are never given twice; a claim fences every earlier holder at once.
 */
export interface LeaseStore {
  /**
   * Takes the lease when nobody holds a live one, or when `holder` itself does. Always a new epoch.
   * `busy` (details `{holder, remainingMs}`) when another holds it; `log_closed`; `not_found`.
   */
  claim(
    log: LogId,
    holder: string,
    ttlMs: number,
    options?: { readonly force?: boolean },
  ): Promise<{ readonly epoch: number; readonly head: Head }>

  /**
   * Extends the lease of `epoch`. An expired lease that nobody claimed since is revived: the server
   * may have been away. `stale_epoch` when a newer epoch exists or it was released.
   */
  renew(log: LogId, epoch: number, ttlMs: number): Promise<void>

  /**
   * Gives the lease back. With `ifHead`, refused with `precondition_failed` when the log moved: this
   * is how "idle" cannot race a new command. Releasing a lease that is not held is not an error.
   */
  release(log: LogId, epoch: number, options?: { readonly ifHead?: number }): Promise<void>

  inspect(log: LogId): Promise<Lease>

  /**
   * Logs whose head says that something is due (`isActive`), in a stable order: undone commands, an
   * open turn, a sandbox not given back, a question with a deadline. What the sweeper walks.
   */
  listActive(options: {
    readonly limit: number
    readonly after?: LogId
  }): Promise<readonly { readonly log: LogId; readonly lease: Lease }[]>
}
