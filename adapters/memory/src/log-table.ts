import { AppError, type Head, type LogRow, type StoredEntry } from "@berth/core"
import type { LogId } from "@berth/protocol"

/** Everything kept of one log. */
export interface LogRecord {
  row: LogRow
  entries: StoredEntry[]
  readonly keys: Map<string, number>
  readonly once: Map<string, number>
  readonly lastN: Map<number, number>
  lease: { readonly holder: string; readonly expiresAt: number } | null
  readonly watchers: Set<() => void>
}

export type LogTable = Map<LogId, LogRecord>

export function createLogRecord(head: Head): LogRecord {
  return {
    row: { head, headSeq: 0, trimmedTo: 0, epoch: 0, isReleased: true, isClosed: false },
    entries: [],
    keys: new Map(),
    once: new Map(),
    lastN: new Map(),
    lease: null,
    watchers: new Set(),
  }
}

export function findLog(table: LogTable, log: LogId): LogRecord {
  const record = table.get(log)
  if (record === undefined) throw new AppError("not_found", `There is no log ${log}.`)
  return record
}

export function wakeWatchers(record: LogRecord): void {
  for (const wake of record.watchers) wake()
}
