import { AppError, isAppError } from "@berth/core"
import { headers as headerNames, limits } from "@berth/protocol"
import { z } from "zod"
import type { BerthApi } from "../api/berth-api.ts"
import { isPassing, waitToRetry } from "../api/retrying.ts"
import { readEvents } from "./read-events.ts"
import { parseEntry, type WireEntry } from "./wire-entry.ts"

export type FollowEvent =
  | { readonly type: "entry"; readonly entry: WireEntry; readonly text: string }
  | { readonly type: "caught_up" }
  | { readonly type: "gap"; readonly from: number; readonly to: number; readonly cause: string }
  | { readonly type: "end"; readonly reason: string }
  /** The server is away, and back: nothing was missed. */
  | { readonly type: "lost" }
  | { readonly type: "back" }

export interface FollowOptions {
  readonly sessionId: string
  /** Entries with a higher seq. */
  readonly after: number
  readonly until?: "idle"
  readonly isCompact?: boolean
  readonly signal: AbortSignal
}

const gapShape = z.object({ from: z.number(), to: z.number(), cause: z.string().optional() })
const endShape = z.object({ reason: z.string() })
/** How often a hole in the numbers is met with a new connection before it is an error. */
const holesMax = 3

interface Cursor {
  seq: number
  /** `<seq>@<logId>`: tells a session from one made later under the same name. */
  id: string | null
}

/**
 * The log from `after` on: each entry once, in order, over any number of connections. Ends with `end`, or
 * when `signal` aborts. Throws what time does not mend: no such session, no permission, replaced.
 */
export async function* followLog(api: BerthApi, options: FollowOptions): AsyncGenerator<FollowEvent> {
  const { signal } = options
  const cursor: Cursor = { seq: options.after, id: null }
  let attempt = 0
  let holes = 0
  let isLost = false
  for (;;) {
    const before = cursor.seq
    let failure: unknown = null
    try {
      for await (const event of connect(api, options, cursor)) {
        if (event.type !== "open") attempt = 0
        else if (isLost) {
          isLost = false
          yield { type: "back" }
        }
        if (event.type !== "open") yield event
        if (event.type === "end") return
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isPassing(error) && !isHole(error)) throw error
      failure = error
    }
    holes = isHole(failure) && cursor.seq === before ? holes + 1 : 0
    if (holes > holesMax) throw failure
    if (!isLost) yield { type: "lost" }
    isLost = true
    await waitToRetry(failure, attempt, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (signal.aborted) return
    attempt += 1
  }
}

async function* connect(
  api: BerthApi,
  options: FollowOptions,
  cursor: Cursor,
): AsyncGenerator<FollowEvent | { readonly type: "open" }> {
  const query = new URLSearchParams({ after: String(cursor.seq) })
  if (options.until !== undefined) query.set("until", options.until)
  if (options.isCompact === true) query.set("compact", "1")
  const response = await api.open(`/api/sessions/${options.sessionId}/sync?${query}`, {
    headers: {
      accept: "text/event-stream",
      ...(cursor.id === null ? {} : { [headerNames.lastEventId]: cursor.id }),
    },
    signal: options.signal,
  })
  yield { type: "open" }
  for await (const { event, id, data } of readEvents(response, { silenceMs: 3 * limits.heartbeatMs })) {
    const shown = toFollowEvent(event, data, cursor)
    if (id !== undefined && shown !== null) cursor.id = id
    if (shown !== null) yield shown
  }
}

/** Moves the cursor. Null for what was seen before, and for events of a newer server. */
function toFollowEvent(event: string | undefined, data: string, cursor: Cursor): FollowEvent | null {
  switch (event) {
    case undefined:
    case "message": {
      const entry = parseEntry(data)
      if (entry.seq <= cursor.seq) return null
      if (entry.from > cursor.seq + 1) throw hole(cursor.seq, entry.from)
      cursor.seq = entry.seq
      return { type: "entry", entry, text: data }
    }
    case "gap": {
      const { from, to, cause = "no longer kept" } = gapShape.parse(JSON.parse(data))
      cursor.seq = Math.max(cursor.seq, to)
      return { type: "gap", from, to, cause }
    }
    case "end":
      return { type: "end", ...endShape.parse(JSON.parse(data)) }
    case "caught_up":
      return { type: "caught_up" }
    default:
      return null
  }
}

function hole(after: number, next: number): AppError {
  const message = `Entries ${after + 1} to ${next - 1} did not arrive. Report it: the log has no holes.`
  return new AppError("out_of_sequence", message, { details: { expectedSeq: after + 1, seq: next } })
}

function isHole(error: unknown): boolean {
  return isAppError(error, "out_of_sequence")
}
