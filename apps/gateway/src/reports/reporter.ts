import type { Clock } from "@berth/core"
import type { NewReport } from "./report.ts"
import type { Spool } from "./spool.ts"

/** Gives reports their id and time and sends them on their way. */
export interface Reporter {
  /** `closedCallId` ends that call in the same write. Never rejects. */
  send(reports: readonly NewReport[], closedCallId?: string): Promise<void>
}

export interface ReporterOptions {
  readonly spool: Spool
  readonly clock: Clock
  readonly newId: () => string
  readonly onReports: () => void
}

export function createReporter({ spool, clock, newId, onReports }: ReporterOptions): Reporter {
  return {
    async send(reports, closedCallId) {
      const at = new Date(clock.now()).toISOString()
      const written = spool.add(
        reports.map((one) => ({ ...one, id: newId(), at })),
        closedCallId ?? null,
      )
      if (reports.length > 0) onReports()
      await written
    },
  }
}
