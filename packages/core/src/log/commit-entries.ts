import type { EntryBody } from "@berth/protocol"
import type { NewEntry, StoredEntry } from "../ports/event-log.ts"
import { reduceHead, type Head } from "../session/head.ts"
import { encodeEntry } from "./encode-entry.ts"

/** What a store keeps of a log besides its entries, as read under the log's lock. */
export interface LogRow {
  readonly head: Head
  readonly headSeq: number
  readonly trimmedTo: number
  /** Highest epoch ever given. */
  readonly epoch: number
  /** Whether the lease of `epoch` was given back. */
  readonly isReleased: boolean
  readonly isClosed: boolean
}

export interface Commit {
  readonly row: LogRow
  readonly stored: readonly StoredEntry[]
}

/**
 * Pure. Gives entries their places and folds them into the head. When the session's status changes,
 * the `_berth/session_state` entry that says so is part of the same commit.
 */
export function commitEntries(
  row: LogRow,
  entries: readonly NewEntry[],
  epoch: number,
  timestamp: string,
): Commit {
  let { head, headSeq } = row
  const stored: StoredEntry[] = []
  const place = (entry: NewEntry): void => {
    headSeq += 1
    const at = { seq: headSeq, timestamp, origin: entry.origin }
    stored.push({ seq: headSeq, text: encodeEntry({ ...at, epoch }, entry.body) })
    head = reduceHead(head, { ...at, body: entry.body })
  }
  for (const entry of entries) {
    const before = head.status
    place(entry)
    if (head.status !== before && !saysStatus(entry.body)) place(statusEntry(head))
  }
  return { row: { ...row, head, headSeq }, stored }
}

function saysStatus(body: EntryBody): boolean {
  return body.type === "notification" && body.notification.method === "_berth/session_state"
}

function statusEntry(head: Head): NewEntry {
  const params = { sessionId: head.sessionId, status: head.status }
  return {
    origin: "server",
    body: { type: "notification", notification: { jsonrpc: "2.0", method: "_berth/session_state", params } },
  }
}
