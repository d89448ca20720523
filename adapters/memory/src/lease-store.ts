import { AppError, isActive, type Clock, type LeaseStore } from "@berth/core"
import type { LogId } from "@berth/protocol"
import { findLog, type LogRecord, type LogTable } from "./log-table.ts"

/** The reference LeaseStore, over the same table as the log: an epoch and its log commit together. */
export function createMemoryLeaseStore(options: {
  readonly table: LogTable
  readonly clock: Clock
}): LeaseStore {
  const { table, clock } = options

  const leaseOf = (record: LogRecord) => ({
    epoch: record.row.epoch,
    holder: record.lease?.holder ?? null,
    remainingMs: Math.max(0, (record.lease?.expiresAt ?? 0) - clock.now()),
  })

  return {
    async claim(log, holder, ttlMs, claimOptions = {}) {
      const record = findLog(table, log)
      if (record.row.isClosed) throw new AppError("log_closed", "The session is closed.")
      const lease = leaseOf(record)
      if (lease.remainingMs > 0 && lease.holder !== holder && claimOptions.force !== true) {
        throw new AppError("busy", "Another runner holds this session.", {
          details: { holder: lease.holder, remainingMs: lease.remainingMs },
        })
      }
      const epoch = record.row.epoch + 1
      record.row = { ...record.row, epoch, isReleased: false }
      record.lease = { holder, expiresAt: clock.now() + ttlMs }
      return { epoch, head: record.row.head }
    },
    async renew(log, epoch, ttlMs) {
      const record = findLog(table, log)
      if (record.row.isClosed) throw new AppError("log_closed", "The session is closed.")
      if (record.lease === null || epoch !== record.row.epoch) throw staleEpoch(record.row.epoch)
      record.lease = { ...record.lease, expiresAt: clock.now() + ttlMs }
    },
    async release(log, epoch, releaseOptions = {}) {
      const record = findLog(table, log)
      if (epoch !== record.row.epoch || record.row.isReleased) return
      const { ifHead } = releaseOptions
      if (ifHead !== undefined && ifHead !== record.row.headSeq) {
        throw new AppError("precondition_failed", "The log has moved. Read it and decide again.", {
          details: { headSeq: record.row.headSeq },
        })
      }
      record.row = { ...record.row, isReleased: true }
      record.lease = null
    },
    async inspect(log) {
      return leaseOf(findLog(table, log))
    },
    async listActive({ limit, after }) {
      const isDue = ([log, record]: [LogId, LogRecord]): boolean =>
        !record.row.isClosed && isActive(record.row.head) && (after === undefined || log > after)
      return [...table]
        .filter(isDue)
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .slice(0, limit)
        .map(([log, record]) => ({ log, lease: leaseOf(record) }))
    },
  }
}

function staleEpoch(epoch: number): AppError {
  return new AppError("stale_epoch", "Another runner holds this session, or none may write. Stop.", {
    details: { epoch },
  })
}
