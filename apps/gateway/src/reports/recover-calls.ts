import type { GrantRegistry } from "../grants/grant-registry.ts"
import type { NewReport } from "./report.ts"
import type { Reporter } from "./reporter.ts"
import type { Spool } from "./spool.ts"

/** Settles calls that were open when an earlier gateway died: nobody learns any more what they took. */
export async function recoverCalls(spool: Spool, registry: GrantRegistry, reporter: Reporter): Promise<void> {
  for (const { callId, logId, generation, upstream, model, reserved } of spool.orphans) {
    const base = { logId, generation, callId, upstream }
    const reports: NewReport[] = [{ type: "model_stream_cut", ...base, reason: "the gateway was restarted" }]
    if (reserved !== null) {
      const ledger = registry.account(logId)?.ledger
      const before = ledger?.spent ?? spool.pendingSpent(logId)
      const spent = {
        tokens: before.tokens + reserved.inputTokens + reserved.outputTokens,
        usd: before.usd + reserved.usd,
      }
      ledger?.raiseSpent(spent)
      reports.push({
        type: "usage",
        ...base,
        ...(model === null ? {} : { model }),
        usage: reserved,
        isEstimate: true,
        spent,
      })
    }
    await reporter.send(reports, callId)
  }
}
