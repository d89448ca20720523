import { AppError, isActive } from "@berth/core"
import type { LogId } from "@berth/protocol"
import type { Participant } from "./group-commit.ts"
import { logColumns, parseLogRecord, type LogRecord } from "./log-record.ts"
import type { Sql } from "./sql.ts"

/** Parsed rows kept; about 2 KB each. */
const cachedLogs = 4096

/**
 * The rows of `log`, as operations of a group see and change them. What a group changed is staged,
 * written once a log at its end, and becomes what readers see when the transaction is durable.
 */
export interface LogCache extends Participant {
  /** As the group at hand has it; outside of one, as it is stored. `not_found`. */
  find(log: LogId): LogRecord
  stage(record: LogRecord): void
}

/** `onCommit` hears of each record that a group changed, after it is durable. */
export function createLogCache(sql: Sql, onCommit: (record: LogRecord) => void): LogCache {
  const select = sql.prepare(`SELECT ${logColumns} FROM log WHERE name = ?1`)
  const updateHead = sql.prepare("UPDATE log SET head_seq = ?2, head = ?3 WHERE id = ?1")
  const updateAll = sql.prepare(
    `UPDATE log SET head_seq = ?2, head = ?3, trimmed_to = ?4, epoch = ?5, is_released = ?6, is_closed = ?7,
       is_active = ?8, status = ?9, holder = ?10, lease_expires_at = ?11 WHERE id = ?1`,
  )
  const stored = new Map<LogId, LogRecord>()
  const staged = new Map<LogId, LogRecord>()

  const findStored = (log: LogId): LogRecord => {
    const known = stored.get(log)
    if (known !== undefined) {
      // Last in the map is the newest in use.
      stored.delete(log)
      stored.set(log, known)
      return known
    }
    const [row] = select.all(log)
    if (row === undefined) throw new AppError("not_found", `There is no log ${log}.`)
    const record = parseLogRecord(row)
    keep(record)
    return record
  }

  const keep = (record: LogRecord): void => {
    stored.delete(record.log)
    stored.set(record.log, record)
    if (stored.size <= cachedLogs) return
    const oldest = stored.keys().next()
    if (oldest.done !== true) stored.delete(oldest.value)
  }

  const write = (record: LogRecord): void => {
    const { row, lease } = record
    const before = stored.get(record.log)
    const head = JSON.stringify(row.head)
    // Indexed columns cost their index whenever they are named, so most appends do not name them.
    if (before !== undefined && isOnlyHead(before, record)) {
      updateHead.run(record.id, row.headSeq, head)
      return
    }
    updateAll.run(
      record.id,
      row.headSeq,
      head,
      row.trimmedTo,
      row.epoch,
      row.isReleased ? 1 : 0,
      row.isClosed ? 1 : 0,
      isDue(record) ? 1 : 0,
      row.head.status,
      lease?.holder ?? null,
      lease?.expiresAt ?? 0,
    )
  }

  return {
    find: (log) => staged.get(log) ?? findStored(log),
    stage: (record) => void staged.set(record.log, record),
    flush: () => staged.forEach(write),
    committed() {
      const records = [...staged.values()]
      staged.clear()
      records.forEach(keep)
      records.forEach(onCommit)
    },
    rolledBack: () => staged.clear(),
  }
}

function isDue(record: LogRecord): boolean {
  return !record.row.isClosed && isActive(record.row.head)
}

function isOnlyHead(before: LogRecord, after: LogRecord): boolean {
  return (
    before.lease === after.lease &&
    before.row.trimmedTo === after.row.trimmedTo &&
    before.row.epoch === after.row.epoch &&
    before.row.isReleased === after.row.isReleased &&
    before.row.isClosed === after.row.isClosed &&
    before.row.head.status === after.row.head.status &&
    isDue(before) === isDue(after)
  )
}
