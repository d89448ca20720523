import { AppError, type Lease, type LeaseStore } from "@berth/core"
import { logColumns, parseLogRecord, type LogRecord } from "./log-record.ts"
import type { LogStore } from "./log-store.ts"

/** Leases in the log's own row: an epoch and its log commit together. */
export function createSqliteLeaseStore(store: LogStore): LeaseStore {
  const { sql, group, cache, clock } = store
  const selectActive = sql.prepare(
    `SELECT ${logColumns} FROM log WHERE is_active = 1 AND name > ?1 ORDER BY name LIMIT ?2`,
  )

  const leaseOf = ({ row, lease }: LogRecord): Lease => ({
    epoch: row.epoch,
    holder: lease?.holder ?? null,
    remainingMs: Math.max(0, (lease?.expiresAt ?? 0) - clock.now()),
  })

  return {
    claim(log, holder, ttlMs, options = {}) {
      return group.commit(() => {
        const record = cache.find(log)
        refuseClosed(record)
        const lease = leaseOf(record)
        if (lease.remainingMs > 0 && lease.holder !== holder && options.force !== true) {
          throw new AppError("busy", "Another runner holds this session.", {
            details: { holder: lease.holder, remainingMs: lease.remainingMs },
          })
        }
        const epoch = record.row.epoch + 1
        const row = { ...record.row, epoch, isReleased: false }
        cache.stage({ ...record, row, lease: { holder, expiresAt: clock.now() + ttlMs } })
        return { epoch, head: row.head }
      })
    },
    renew(log, epoch, ttlMs) {
      return group.commit(() => {
        const record = cache.find(log)
        refuseClosed(record)
        if (record.lease === null || epoch !== record.row.epoch) throw staleEpoch(record.row.epoch)
        cache.stage({ ...record, lease: { ...record.lease, expiresAt: clock.now() + ttlMs } })
      })
    },
    release(log, epoch, options = {}) {
      return group.commit(() => {
        const record = cache.find(log)
        const { row } = record
        if (epoch !== row.epoch || row.isReleased) return
        if (options.ifHead !== undefined && options.ifHead !== row.headSeq) {
          throw new AppError("precondition_failed", "The log has moved. Read it and decide again.", {
            details: { headSeq: row.headSeq },
          })
        }
        cache.stage({ ...record, row: { ...row, isReleased: true }, lease: null })
      })
    },
    async inspect(log) {
      return leaseOf(cache.find(log))
    },
    async listActive({ limit, after }) {
      return selectActive.all(after ?? "", limit).map((row) => {
        const record = parseLogRecord(row)
        return { log: record.log, lease: leaseOf(record) }
      })
    },
  }
}

function refuseClosed(record: LogRecord): void {
  if (record.row.isClosed) throw new AppError("log_closed", "The session is closed. Create a new one.")
}

function staleEpoch(epoch: number): AppError {
  return new AppError("stale_epoch", "Another runner holds this session, or none may write. Stop.", {
    details: { epoch },
  })
}
