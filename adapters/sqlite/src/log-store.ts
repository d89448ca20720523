import { boundPage, commitEntries, type Clock, type LogPage, type NewEntry } from "@berth/core"
import type { LogId } from "@berth/protocol"
import { createEntryTable, type EntryTable } from "./entry-table.ts"
import type { GroupCommit } from "./group-commit.ts"
import { createLogCache, type LogCache } from "./log-cache.ts"
import type { LogRecord } from "./log-record.ts"
import { migrate } from "./migrate.ts"
import { createRecentEntries } from "./recent-entries.ts"
import { logSchema } from "./schema.ts"
import type { Sql } from "./sql.ts"

/** What EventLog and LeaseStore share: one database, one cache, one group commit. */
export interface LogStore {
  readonly sql: Sql
  readonly group: GroupCommit
  readonly clock: Clock
  readonly cache: LogCache
  readonly entries: EntryTable
  /** Inside an operation of the group: places entries and stages the row. Answers the first seq. */
  write(record: LogRecord, entries: readonly NewEntry[], epoch: number): number
  read(log: LogId, after: number, limit: number): LogPage
  subscribe(log: LogId, wake: () => void): () => void
}

/** Makes the log's tables where they are missing. `sql` must be the very one that `group` writes to. */
export function createLogStore(options: {
  readonly sql: Sql
  readonly group: GroupCommit
  readonly clock: Clock
}): LogStore {
  const { sql, group, clock } = options
  migrate(sql, "log", logSchema)
  const watchers = new Map<LogId, Set<() => void>>()
  const recent = createRecentEntries()
  const entries = createEntryTable(sql)
  let written: { readonly log: LogId; readonly stored: Parameters<EntryTable["insert"]>[1] }[] = []

  const cache = createLogCache(sql, ({ log }) => {
    const wakes = watchers.get(log)
    if (wakes !== undefined) for (const wake of wakes) wake()
  })
  group.join({
    flush: () => cache.flush(),
    committed() {
      const commits = written
      written = []
      for (const { log, stored } of commits) if (watchers.has(log)) recent.push(log, stored)
      cache.committed()
    },
    rolledBack() {
      written = []
      cache.rolledBack()
    },
  })

  return {
    sql,
    group,
    clock,
    cache,
    entries,
    write(record, newEntries, epoch) {
      const timestamp = new Date(clock.now()).toISOString()
      const { row, stored } = commitEntries(record.row, newEntries, epoch, timestamp)
      entries.insert(record.id, stored)
      cache.stage({ ...record, row })
      written.push({ log: record.log, stored })
      return record.row.headSeq + 1
    },
    read(log, after, limit) {
      const { id, row } = cache.find(log)
      const start = Math.max(after, row.trimmedTo)
      const last = Math.min(row.headSeq, start + limit)
      const page =
        last <= start ? [] : boundPage(recent.read(log, start, limit) ?? entries.read(id, start, last))
      return { entries: page, headSeq: row.headSeq, trimmedTo: row.trimmedTo, closed: row.isClosed }
    },
    subscribe(log, wake) {
      const wakes = watchers.get(log) ?? new Set()
      watchers.set(log, wakes)
      wakes.add(wake)
      return () => {
        wakes.delete(wake)
        if (wakes.size > 0 || watchers.get(log) !== wakes) return
        watchers.delete(log)
        recent.drop(log)
      }
    },
  }
}
