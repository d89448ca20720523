import type { EntryBody, LogId, Origin } from "@berth/protocol"
import type { Head } from "../session/head.ts"

/** An entry before the store gives it a place. */
export interface NewEntry {
  readonly origin: Origin
  readonly body: EntryBody
}

/** An entry as stored: `text` is its one-line JSON, the very bytes that readers are sent. */
export interface StoredEntry {
  readonly seq: number
  readonly text: string
}

export interface SubmitRequest {
  /** Chosen by the client; lives as long as the log. The same key answers with the same seq. */
  readonly key: string
  /** The command first, then entries of our side that belong to it; one transaction. */
  readonly entries: readonly NewEntry[]
  /** A name that only one submit or append of this log can ever take. */
  readonly once?: string
  /** Refused unless the newest seq is this one. */
  readonly ifHead?: number
}

export interface SubmitResult {
  /** The seq of the first entry. */
  readonly seq: number
  /** False when the key was known: nothing was written. */
  readonly isNew: boolean
}

export interface AppendOptions {
  /** Where the entries come from: numbered without holes per generation, from 1. */
  readonly source?: { readonly generation: number; readonly firstN: number }
  readonly once?: string
  readonly ifHead?: number
}

export interface AppendResult {
  /** firstSeq > lastSeq when every entry was a repeat. */
  readonly firstSeq: number
  readonly lastSeq: number
}

export interface LogPage {
  /** Ascending, dense. Empty only when nothing is after the cursor; a page of large entries ends early. */
  readonly entries: readonly StoredEntry[]
  readonly headSeq: number
  /** Entries up to this seq are gone; 0 when none are. A cursor below it has met a gap. */
  readonly trimmedTo: number
  readonly closed: boolean
}

export interface LogState {
  readonly head: Head
  readonly headSeq: number
  readonly trimmedTo: number
  readonly closed: boolean
  /** Highest n stored per generation; a generation that appended nothing is absent. */
  readonly lastN: Readonly<Record<number, number>>
}

/**
 * The durable, ordered log of one session. The store gives `seq` (dense per log, from 1), timestamp
 * and epoch to submitted and appended entries alike, folds them into the head with `reduceHead`, and
 * commits all of it at once. A call resolves only when what it wrote survives loss of power.
 *
 * Errors, as AppError: `not_found` no such log · `log_closed` closed · `stale_epoch` a newer lease
 * exists, or this one was never given · `out_of_sequence` `firstN` leaves a hole (details
 * `{expectedN}`) · `already_answered` the `once` name is taken (details `{seq}` of the winner) ·
 * `precondition_failed` the head moved (details `{headSeq}`) · `storage_full`.
 */
export interface EventLog {
  /** Makes an empty log. `conflict` when the id was ever used. */
  create(log: LogId, initial: Head): Promise<void>

  /** Writes a command without a lease: clients, and our own side while a runner holds the lease. */
  submit(log: LogId, request: SubmitRequest): Promise<SubmitResult>

  /**
   * Writes as the holder of a lease. With `source`, entries already stored are skipped, and the
   * counter moves in the same transaction, so a repeated call has no effect.
   */
  append(
    log: LogId,
    epoch: number,
    entries: readonly NewEntry[],
    options?: AppendOptions,
  ): Promise<AppendResult>

  /**
   * Entries with seq > after, at most `limit`, and no more once they hold `pageCharacters` of text
   * (`boundPage`). Only what is durable is seen.
   */
  read(log: LogId, after: number, limit: number): Promise<LogPage>

  /**
   * Follows the log: yields every non-empty page after `after`, then waits for more. Ends after the
   * last entry of a closed log, or when `signal` aborts. A slow consumer is served from the store;
   * nothing is buffered for it. Pages hold at most 1,000 entries.
   */
  tail(log: LogId, after: number, options: { readonly signal: AbortSignal }): AsyncIterable<LogPage>

  /** The head and counters, as of the newest durable entry. */
  state(log: LogId): Promise<LogState>

  /**
   * Idempotent. A closed log takes no more entries and stays readable; `erase` removes its entries
   * and counters as well, and keeps the id taken.
   */
  close(log: LogId, options?: { readonly erase?: boolean }): Promise<void>
}

/** Trimming, apart from the log proper: only retention needs it. */
export interface LogArchive {
  /** Drops entries up to and including `upTo` and moves `trimmedTo`, in one transaction. */
  archive(log: LogId, upTo: number): Promise<void>
}
