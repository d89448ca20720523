import {
  AppError,
  boundPage,
  checkAppend,
  checkSubmit,
  commitEntries,
  tailLog,
  type Clock,
  type EventLog,
  type LogArchive,
  type LogPage,
  type NewEntry,
} from "@berth/core"
import type { LogId } from "@berth/protocol"
import { createLogRecord, findLog, wakeWatchers, type LogRecord, type LogTable } from "./log-table.ts"

/** The reference EventLog. Durable for as long as the process: the only thing it does not keep. */
export function createMemoryEventLog(options: {
  readonly table: LogTable
  readonly clock: Clock
}): EventLog & LogArchive {
  const { table, clock } = options

  const write = (record: LogRecord, entries: readonly NewEntry[], epoch: number): number => {
    const firstSeq = record.row.headSeq + 1
    const commit = commitEntries(record.row, entries, epoch, new Date(clock.now()).toISOString())
    record.row = commit.row
    record.entries.push(...commit.stored)
    wakeWatchers(record)
    return firstSeq
  }

  const read = (log: LogId, after: number, limit: number): LogPage => {
    const { row, entries } = findLog(table, log)
    const start = Math.max(after, row.trimmedTo) - row.trimmedTo
    return {
      entries: boundPage(entries.slice(start, start + limit)),
      headSeq: row.headSeq,
      trimmedTo: row.trimmedTo,
      closed: row.isClosed,
    }
  }

  return {
    async create(log, initial) {
      if (table.has(log)) throw new AppError("conflict", `The log ${log} exists. Choose another id.`)
      table.set(log, createLogRecord(initial))
    },
    async submit(log, request) {
      const record = findLog(table, log)
      const known = checkSubmit(record.row, request, {
        keySeq: record.keys.get(request.key) ?? null,
        onceSeq: onceSeq(record, request.once),
      })
      if (known !== null) return known
      const seq = write(record, request.entries, record.row.epoch)
      record.keys.set(request.key, seq)
      if (request.once !== undefined) record.once.set(request.once, seq)
      return { seq, isNew: true }
    },
    async append(log, epoch, entries, appendOptions = {}) {
      const record = findLog(table, log)
      const { source, once } = appendOptions
      const fresh = checkAppend(record.row, epoch, entries, appendOptions, {
        lastN: source === undefined ? 0 : (record.lastN.get(source.generation) ?? 0),
        onceSeq: onceSeq(record, once),
      })
      const { headSeq } = record.row
      if (fresh.length === 0) return { firstSeq: headSeq + 1, lastSeq: headSeq }
      const firstSeq = write(record, fresh, epoch)
      if (source !== undefined) record.lastN.set(source.generation, source.firstN + entries.length - 1)
      if (once !== undefined) record.once.set(once, firstSeq)
      return { firstSeq, lastSeq: record.row.headSeq }
    },
    async read(log, after, limit) {
      return read(log, after, limit)
    },
    tail(log, after, { signal }) {
      const source = {
        read: async (cursor: number, limit: number) => read(log, cursor, limit),
        subscribe: (wake: () => void) => {
          const { watchers } = findLog(table, log)
          watchers.add(wake)
          return () => void watchers.delete(wake)
        },
      }
      return tailLog(source, after, signal)
    },
    async state(log) {
      const { row, lastN } = findLog(table, log)
      const { head, headSeq, trimmedTo } = row
      return { head, headSeq, trimmedTo, closed: row.isClosed, lastN: Object.fromEntries(lastN) }
    },
    async close(log, closeOptions = {}) {
      const record = findLog(table, log)
      record.row = { ...record.row, isClosed: true, isReleased: true }
      record.lease = null
      if (closeOptions.erase === true) erase(record)
      wakeWatchers(record)
    },
    async archive(log, upTo) {
      const record = findLog(table, log)
      const trimmedTo = Math.min(Math.max(upTo, record.row.trimmedTo), record.row.headSeq)
      record.entries = record.entries.slice(trimmedTo - record.row.trimmedTo)
      record.row = { ...record.row, trimmedTo }
      wakeWatchers(record)
    },
  }
}

function onceSeq(record: LogRecord, once: string | undefined): number | null {
  return once === undefined ? null : (record.once.get(once) ?? null)
}

function erase(record: LogRecord): void {
  record.row = { ...record.row, trimmedTo: record.row.headSeq }
  record.entries = []
  record.keys.clear()
  record.once.clear()
  record.lastN.clear()
}
