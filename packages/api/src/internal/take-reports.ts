import { isAppError } from "@berth/core"
import { gatewayReport, isLogId, type GatewayReport } from "@berth/protocol"
import { AppError } from "@berth/core"
import { parseJson } from "../http/read-json.ts"
import type { InternalApiOptions } from "./internal-options.ts"
import { reportEntry } from "./report-entry.ts"

type Ports = Pick<InternalApiOptions, "eventLog" | "sessionStore" | "orchestrator" | "logger">

/**
 * Writes what the gateway reports, each report once however often it is sent. Answers with the ids
 * that need not be sent again: those written, known, of sessions that are gone, or of no use.
 */
export async function takeReports(
  ports: Ports,
  text: string,
): Promise<{ readonly accepted: readonly string[] }> {
  const accepted: string[] = []
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue
    const report = gatewayReport.safeParse(parseJson(line))
    if (!report.success) throw new AppError("bad_params", "A line is no report.")
    await takeReport(ports, report.data)
    accepted.push(report.data.id)
  }
  return { accepted }
}

async function takeReport(ports: Ports, report: GatewayReport): Promise<void> {
  const { eventLog, sessionStore, orchestrator, logger } = ports
  const { id, logId } = report
  const found = isLogId(logId) ? await sessionStore.findByLog(logId) : null
  if (found === null || found.deletedAt !== null) {
    logger.info({ log: logId, report: id }, "a report of a session that is gone")
    return
  }
  const { log, id: sessionId } = found.record
  const entry = reportEntry(report, sessionId)
  if (entry === null) {
    logger.warn({ log, report: id, type: report.type }, "a report out of shape was dropped")
    return
  }
  try {
    await eventLog.submit(log, { key: `gateway/${id}`, entries: [entry] })
  } catch (error) {
    if (!isAppError(error, "log_closed")) throw error
    logger.info({ log, report: id }, "a report of a closed session")
  }
  orchestrator.wake(log)
}
