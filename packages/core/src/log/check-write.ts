import { AppError } from "../errors/app-error.ts"
import type { AppendOptions, NewEntry, SubmitRequest, SubmitResult } from "../ports/event-log.ts"
import type { LogRow } from "./commit-entries.ts"

/** What the store looks up, under the log's lock, before it lets a submit through. */
export interface SubmitLookup {
  /** Seq stored under the request's key, or null. */
  readonly keySeq: number | null
  /** Seq stored under the request's `once` name, or null. */
  readonly onceSeq: number | null
}

/** Pure. The known answer of a repeated submit, or null when it has to be written; throws when refused. */
export function checkSubmit(row: LogRow, request: SubmitRequest, found: SubmitLookup): SubmitResult | null {
  if (found.keySeq !== null) return { seq: found.keySeq, isNew: false }
  if (request.entries.length === 0) throw new AppError("bad_request", "A submit needs at least one entry.")
  refuseClosed(row)
  refuseTaken(found.onceSeq)
  refuseMoved(row, request.ifHead)
  return null
}

export interface AppendLookup {
  /** Highest n stored for the source's generation; 0 when none. */
  readonly lastN: number
  readonly onceSeq: number | null
}

/** Pure. The entries still to be written: repeats from a source are dropped; throws when refused. */
export function checkAppend(
  row: LogRow,
  epoch: number,
  entries: readonly NewEntry[],
  options: AppendOptions,
  found: AppendLookup,
): readonly NewEntry[] {
  refuseClosed(row)
  if (epoch !== row.epoch || row.isReleased) {
    throw new AppError("stale_epoch", "Another runner holds this session, or none may write. Stop.", {
      details: { epoch: row.epoch },
    })
  }
  const fresh = options.source === undefined ? entries : dropRepeats(entries, options.source, found.lastN)
  if (fresh.length === 0) return fresh
  refuseTaken(found.onceSeq)
  refuseMoved(row, options.ifHead)
  return fresh
}

function dropRepeats(
  entries: readonly NewEntry[],
  source: { readonly firstN: number },
  lastN: number,
): readonly NewEntry[] {
  if (source.firstN > lastN + 1) {
    throw new AppError("out_of_sequence", `Entries are missing: send them from ${lastN + 1} on.`, {
      details: { expectedN: lastN + 1 },
    })
  }
  return entries.slice(lastN + 1 - source.firstN)
}

function refuseClosed(row: LogRow): void {
  if (row.isClosed) throw new AppError("log_closed", "The session is closed. Create a new one.")
}

function refuseTaken(onceSeq: number | null): void {
  if (onceSeq === null) return
  throw new AppError("already_answered", `Somebody was first: see entry ${onceSeq}.`, {
    details: { seq: onceSeq },
  })
}

function refuseMoved(row: LogRow, ifHead: number | undefined): void {
  if (ifHead === undefined || ifHead === row.headSeq) return
  throw new AppError("precondition_failed", "The log has moved. Read it and decide again.", {
    details: { headSeq: row.headSeq },
  })
}
