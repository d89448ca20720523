import {
  AppError,
  checkAppend,
  checkSubmit,
  isActive,
  tailLog,
  type EventLog,
  type LogArchive,
} from "@berth/core"
import type { LogId } from "@berth/protocol"
import type { LogRecord } from "./log-record.ts"
import type { LogStore } from "./log-store.ts"
import { numberOf, type SqlStatement } from "./sql.ts"

/** The log in SQLite: `node:sqlite` on a host, a Durable Object's storage on Cloudflare. */
export function createSqliteEventLog(store: LogStore): EventLog & LogArchive {
  const { sql, group, cache, entries } = store
  const insertLog = sql.prepare(
    `INSERT INTO log (name, head_seq, trimmed_to, epoch, is_released, is_closed, is_active, status, holder,
       lease_expires_at, head) VALUES (?1, 0, 0, 0, 1, 0, ?2, ?3, NULL, 0, ?4)`,
  )
  const hasLog = sql.prepare("SELECT 1 FROM log WHERE name = ?1")
  const selectKey = sql.prepare("SELECT seq FROM submit_key WHERE log = ?1 AND key = ?2")
  const insertKey = sql.prepare("INSERT INTO submit_key VALUES (?1, ?2, ?3)")
  const selectOnce = sql.prepare("SELECT seq FROM once WHERE log = ?1 AND name = ?2")
  const insertOnce = sql.prepare("INSERT INTO once VALUES (?1, ?2, ?3)")
  const selectLastN = sql.prepare("SELECT last_n FROM source WHERE log = ?1 AND generation = ?2")
  const selectSources = sql.prepare("SELECT generation, last_n FROM source WHERE log = ?1")
  const upsertLastN = sql.prepare(
    "INSERT INTO source VALUES (?1, ?2, ?3) ON CONFLICT (log, generation) DO UPDATE SET last_n = ?3",
  )
  const forget = ["submit_key", "once", "source"].map((table) =>
    sql.prepare(`DELETE FROM ${table} WHERE log = ?1`),
  )

  const onceSeq = (record: LogRecord, once: string | undefined): number | null =>
    once === undefined ? null : firstNumber(selectOnce, record.id, once)

  /** Readers stopped seeing them when `trimmedTo` moved; what a crash leaves goes with the next call. */
  const deleteTrimmed = async (log: LogId): Promise<void> => {
    const { id, row } = cache.find(log)
    let isDone = false
    while (!isDone) {
      // One batch a transaction, each in its own turn: other logs go on meanwhile.
      isDone = await group.commit(() => !entries.deleteSome(id, row.trimmedTo))
    }
  }

  return {
    async create(log, initial) {
      await group.commit(() => {
        if (hasLog.all(log).length > 0) {
          throw new AppError("conflict", `The log ${log} exists. Choose another id.`)
        }
        insertLog.run(log, isActive(initial) ? 1 : 0, initial.status, JSON.stringify(initial))
      })
    },
    submit(log, request) {
      return group.commit(() => {
        const record = cache.find(log)
        const known = checkSubmit(record.row, request, {
          keySeq: firstNumber(selectKey, record.id, request.key),
          onceSeq: onceSeq(record, request.once),
        })
        if (known !== null) return known
        const seq = store.write(record, request.entries, record.row.epoch)
        insertKey.run(record.id, request.key, seq)
        if (request.once !== undefined) insertOnce.run(record.id, request.once, seq)
        return { seq, isNew: true }
      })
    },
    append(log, epoch, newEntries, options = {}) {
      return group.commit(() => {
        const record = cache.find(log)
        const { source, once } = options
        const { headSeq } = record.row
        const fresh = checkAppend(record.row, epoch, newEntries, options, {
          lastN: source === undefined ? 0 : (firstNumber(selectLastN, record.id, source.generation) ?? 0),
          onceSeq: onceSeq(record, once),
        })
        if (fresh.length === 0) return { firstSeq: headSeq + 1, lastSeq: headSeq }
        const firstSeq = store.write(record, fresh, epoch)
        if (source !== undefined) {
          upsertLastN.run(record.id, source.generation, source.firstN + newEntries.length - 1)
        }
        if (once !== undefined) insertOnce.run(record.id, once, firstSeq)
        return { firstSeq, lastSeq: cache.find(log).row.headSeq }
      })
    },
    async read(log, after, limit) {
      return store.read(log, after, limit)
    },
    tail(log, after, { signal }) {
      const source = {
        read: async (cursor: number, limit: number) => store.read(log, cursor, limit),
        subscribe: (wake: () => void) => store.subscribe(log, wake),
      }
      return tailLog(source, after, signal)
    },
    async state(log) {
      const { id, row } = cache.find(log)
      const lastN: Record<number, number> = {}
      for (const [generation, n] of selectSources.all(id)) lastN[numberOf(generation)] = numberOf(n)
      const { head, headSeq, trimmedTo, isClosed } = row
      return { head, headSeq, trimmedTo, closed: isClosed, lastN }
    },
    async close(log, options = {}) {
      const isErased = options.erase === true
      await group.commit(() => {
        const record = cache.find(log)
        const { row } = record
        const trimmedTo = isErased ? row.headSeq : row.trimmedTo
        cache.stage({ ...record, row: { ...row, isClosed: true, isReleased: true, trimmedTo }, lease: null })
        if (isErased) for (const statement of forget) statement.run(record.id)
      })
      if (isErased) await deleteTrimmed(log)
    },
    async archive(log, upTo) {
      await group.commit(() => {
        const record = cache.find(log)
        const { row } = record
        const trimmedTo = Math.min(Math.max(upTo, row.trimmedTo), row.headSeq)
        cache.stage({ ...record, row: { ...row, trimmedTo } })
      })
      await deleteTrimmed(log)
    },
  }
}

function firstNumber(statement: SqlStatement, id: number, name: string | number): number | null {
  const [row] = statement.all(id, name)
  return row === undefined ? null : numberOf(row[0])
}
