import { decodeEntry, type EventLog } from "@berth/core"
import type { LogId } from "@berth/protocol"
import type { PageWriter } from "../stream/stream-log.ts"
import { createChatState, type ChatState } from "./chat-state.ts"
import { projectEntry } from "./project-chat.ts"

const pageEntries = 1000
const turnStartMark = '"method":"_berth/turn_started"'

/**
 * Frames of the chat projection from a cursor on. The state there is made from the log again, so the
 * same cursor goes on the same way on any server. `id` stands on an entry's last event only: a
 * reader that was cut off within an entry gets all of its events again.
 */
export async function openChatWriter(from: {
  readonly eventLog: EventLog
  readonly log: LogId
  readonly after: number
}): Promise<PageWriter> {
  const { log } = from
  let state = await readChatState(from)
  return (entries) => {
    let frames = ""
    for (const { seq, text } of entries) {
      const projection = projectEntry(state, decodeEntry(text))
      state = projection.state
      projection.events.forEach((event, index) => {
        const id = index === projection.events.length - 1 ? `id: ${seq}@${log}\n` : ""
        frames += `${id}data: ${JSON.stringify(event)}\n\n`
      })
    }
    return frames
  }
}

/** The state after entry `after`: of the turn that it lies in, since each turn starts anew. */
export async function readChatState(from: {
  readonly eventLog: EventLog
  readonly log: LogId
  readonly after: number
}): Promise<ChatState> {
  const { eventLog, log, after } = from
  let cursor = await findTurnStart(from)
  let state = createChatState()
  while (cursor < after) {
    const { entries } = await eventLog.read(log, cursor, Math.min(pageEntries, after - cursor))
    for (const { text } of entries) state = projectEntry(state, decodeEntry(text)).state
    const last = entries.at(-1)
    if (last === undefined) break
    cursor = last.seq
  }
  return state
}

/** The cursor just before the last turn that started at or before `after`; 0 when none did. */
async function findTurnStart(from: {
  readonly eventLog: EventLog
  readonly log: LogId
  readonly after: number
}): Promise<number> {
  const { eventLog, log, after } = from
  let upTo = after
  while (upTo > 0) {
    const start = Math.max(0, upTo - pageEntries)
    const found = await findLastStart(eventLog, log, start, upTo)
    if (found !== null) return found - 1
    upTo = start
  }
  return 0
}

/** Seq of the last turn start in (after, upTo], read in as many pages as the store wants to give. */
async function findLastStart(
  eventLog: EventLog,
  log: LogId,
  after: number,
  upTo: number,
): Promise<number | null> {
  let cursor = after
  let found: number | null = null
  while (cursor < upTo) {
    const { entries } = await eventLog.read(log, cursor, upTo - cursor)
    for (const { seq, text } of entries) if (isTurnStart(text)) found = seq
    const last = entries.at(-1)
    if (last === undefined) break
    cursor = last.seq
  }
  return found
}

/** The mark may also stand in what an agent said, so the entry itself decides. */
function isTurnStart(text: string): boolean {
  if (!text.includes(turnStartMark)) return false
  const entry = decodeEntry(text)
  return entry.type === "notification" && entry.notification.method === "_berth/turn_started"
}
