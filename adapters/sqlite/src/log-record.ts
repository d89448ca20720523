import type { Head, LogRow } from "@berth/core"
import type { LogId } from "@berth/protocol"
import { numberOf, textOf, textOrNull, type SqlRow } from "./sql.ts"

/** One row of the table `log`, parsed. Never changed in place. */
export interface LogRecord {
  readonly id: number
  readonly log: LogId
  readonly row: LogRow
  /** Null when released or never claimed. `expiresAt` in milliseconds of the store's clock. */
  readonly lease: { readonly holder: string; readonly expiresAt: number } | null
}

export const logColumns =
  "id, name, head_seq, trimmed_to, epoch, is_released, is_closed, holder, lease_expires_at, head"

/** Of a row that selects `logColumns`. */
export function parseLogRecord(row: SqlRow): LogRecord {
  const holder = textOrNull(row[7])
  return {
    id: numberOf(row[0]),
    log: textOf(row[1]) as LogId,
    row: {
      headSeq: numberOf(row[2]),
      trimmedTo: numberOf(row[3]),
      epoch: numberOf(row[4]),
      isReleased: row[5] === 1,
      isClosed: row[6] === 1,
      head: JSON.parse(textOf(row[9])) as Head,
    },
    lease: holder === null ? null : { holder, expiresAt: numberOf(row[8]) },
  }
}
