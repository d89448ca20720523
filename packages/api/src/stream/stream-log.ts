import type { EventLog, LogState, SessionStore, StoredEntry } from "@berth/core"
import type { LogId } from "@berth/protocol"
import { controlFrame, openingFrame } from "./sse-frame.ts"

/** Turns a page of entries into frames. `isReplay` until the reader has caught up. */
export type PageWriter = (entries: readonly StoredEntry[], isReplay: boolean) => string

export interface StreamLogOptions {
  readonly eventLog: EventLog
  readonly sessionStore: SessionStore
  readonly log: LogId
  readonly after: number
  /** The log as it was when the reader came: what counts as history. */
  readonly state: LogState
  /** Ends the stream once nothing is under way, in place of waiting for more. */
  readonly untilIdle: boolean
  readonly write: PageWriter
}

/** The frames of one reader, from its cursor on, for as long as the log lives. */
export async function* streamLog(
  options: StreamLogOptions,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const { eventLog, log, state, untilIdle, write } = options
  let cursor = options.after
  let isReplay = cursor < state.headSeq
  yield isReplay ? openingFrame : openingFrame + caughtUp(state.headSeq)
  if (!isReplay && untilIdle && (await isIdle(eventLog, log, cursor))) return yield end("idle")
  for await (const page of eventLog.tail(log, cursor, { signal })) {
    let frames = ""
    if (page.trimmedTo > cursor) {
      frames += gap(log, cursor, page.trimmedTo, page.closed)
      cursor = page.trimmedTo
    }
    frames += write(page.entries, isReplay)
    cursor = page.entries.at(-1)?.seq ?? cursor
    if (isReplay && cursor >= state.headSeq) {
      isReplay = false
      frames += caughtUp(cursor)
    }
    if (frames !== "") yield frames
    if (untilIdle && cursor >= page.headSeq && (await isIdle(eventLog, log, cursor))) return yield end("idle")
  }
  if (!signal.aborted) yield end(await closedReason(options))
}

/** Whether nothing is under way and the reader has seen that nothing is. A question may be open. */
async function isIdle(eventLog: EventLog, log: LogId, cursor: number): Promise<boolean> {
  const { head, headSeq } = await eventLog.state(log)
  return (
    headSeq <= cursor &&
    head.turn === null &&
    head.commands.every(({ method }) => method === "_berth/release")
  )
}

async function closedReason({ sessionStore, log }: StreamLogOptions): Promise<string> {
  const found = await sessionStore.findByLog(log)
  return found === null || found.deletedAt !== null ? "deleted" : "closed"
}

function caughtUp(headSeq: number): string {
  return controlFrame("caught_up", { headSeq })
}

function gap(log: LogId, cursor: number, trimmedTo: number, isClosed: boolean): string {
  const data = { from: cursor + 1, to: trimmedTo, cause: isClosed ? "closed" : "trimmed" }
  return controlFrame("gap", data, `${trimmedTo}@${log}`)
}

function end(reason: string): string {
  return controlFrame("end", { reason })
}
