import { AppError, type LogState } from "@berth/core"
import { headers, isLogId, type LogId } from "@berth/protocol"

const cursorPattern = /^(\d{1,15})(?:@(.*))?$/

/**
 * Pure. Where a reader wants to go on: after this seq. `Last-Event-ID` wins over `?after=`; nothing
 * means from the start. `bad_cursor` for what is no cursor or is beyond the head, `session_replaced`
 * for an id of another log.
 */
export function parseCursor(request: Request, log: LogId, state: Pick<LogState, "headSeq">): number {
  const after = new URL(request.url).searchParams.get("after")
  const text = request.headers.get(headers.lastEventId) || after
  if (text === null) return 0
  if (text === "latest") return state.headSeq
  const match = cursorPattern.exec(text)
  if (match === null) throw badCursor("A cursor is <seq>, or <seq>@<log id>, or latest.")
  const [, digits, named] = match
  if (named !== undefined && named !== log) {
    if (!isLogId(named)) throw badCursor("The cursor names no log.")
    throw new AppError(
      "session_replaced",
      "The session of this cursor is gone; another has its id now. Start over.",
      {
        details: { log_id: log },
      },
    )
  }
  const seq = Number(digits)
  if (seq > state.headSeq) throw badCursor(`The log ends at ${state.headSeq}.`, { head_seq: state.headSeq })
  return seq
}

function badCursor(message: string, details: Readonly<Record<string, unknown>> = {}): AppError {
  return new AppError("bad_cursor", message, { details })
}
