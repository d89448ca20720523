import type { Logger } from "@berth/core"
import { z } from "zod"
import type { Cost } from "../budget/ledger.ts"
import { gatewayLimits } from "../gateway-limits.ts"
import { openJournal, readJournal } from "./journal.ts"
import { report, type Report } from "./report.ts"

/** A call that was let through and is not settled. Kept on disk, as it may outlive this process. */
export const openCall = z.object({
  callId: z.string(),
  logId: z.string(),
  generation: z.number().int(),
  upstream: z.string(),
  model: z.string().nullable(),
  /** What is charged when nobody learns what it took; null without a budget. */
  reserved: z.object({ inputTokens: z.number(), outputTokens: z.number(), usd: z.number() }).nullable(),
})
export type OpenCall = z.infer<typeof openCall>

/** Reports on their way to the server, and calls on their way to a report. On disk until taken. */
export interface Spool {
  readonly pendingCount: number
  readonly pendingBytes: number
  /** Calls that an earlier process left open. */
  readonly orphans: readonly OpenCall[]
  /** No room for another call's reports. */
  isFull(): boolean
  /** Throws what the disk says: a call that cannot be noted must not be made. */
  openCall(call: OpenCall): Promise<void>
  /** Ends the call, if one is named, together with its reports. Never rejects: a report that cannot be written is still sent. */
  add(reports: readonly Report[], closedCallId: string | null): Promise<void>
  /** The oldest reports, each as a line. */
  next(): readonly { readonly id: string; readonly line: string }[]
  accept(ids: readonly string[]): void
  /** The highest sum told of this log in a report that the server does not have yet. */
  pendingSpent(logId: string): Cost
  close(): Promise<void>
}

const line = z.union([
  z.object({ open: openCall }),
  z.object({ add: z.array(report), close: z.string().nullable() }),
  z.object({ accepted: z.array(z.string()) }),
])

const compactBytes = 1024 * 1024

export async function openSpool(path: string, logger: Logger): Promise<Spool> {
  const pending = new Map<string, Report>()
  const calls = new Map<string, OpenCall>()
  for (const text of await readJournal(path)) apply(text)
  const orphans = [...calls.values()]
  const journal = await openJournal(path)
  let pendingBytes = 0
  for (const one of pending.values()) pendingBytes += sizeOf(one)
  await journal.rewrite(liveLines)

  function apply(text: string): void {
    const parsed = line.safeParse(parseLine(text))
    if (!parsed.success) {
      logger.error({ bytes: text.length }, "a line of the spool cannot be read and is left out")
    } else if ("open" in parsed.data) calls.set(parsed.data.open.callId, parsed.data.open)
    else if ("add" in parsed.data) {
      for (const one of parsed.data.add) pending.set(one.id, one)
      if (parsed.data.close !== null) calls.delete(parsed.data.close)
    } else for (const id of parsed.data.accepted) pending.delete(id)
  }

  function liveLines(): readonly string[] {
    const open = [...calls.values()].map((call) => JSON.stringify({ open: call }))
    return [...open, ...[...pending.values()].map((one) => JSON.stringify({ add: [one], close: null }))]
  }

  async function note(work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      logger.error({ error }, "the spool cannot be written; reports live in memory until the server has them")
    }
  }

  let isCompacting = false
  async function compactWhenDue(): Promise<void> {
    if (isCompacting || journal.sizeBytes < Math.max(compactBytes, 4 * pendingBytes)) return
    isCompacting = true
    await note(journal.rewrite(liveLines))
    isCompacting = false
  }

  return {
    get pendingCount() {
      return pending.size
    },
    get pendingBytes() {
      return pendingBytes
    },
    orphans,
    isFull: () => pendingBytes >= gatewayLimits.spoolBytes,
    async openCall(call) {
      calls.set(call.callId, call)
      try {
        await journal.append([JSON.stringify({ open: call })], { isSynced: false })
      } catch (error) {
        calls.delete(call.callId)
        throw error
      }
    },
    async add(reports, closedCallId) {
      if (reports.length === 0 && closedCallId === null) return
      for (const one of reports) {
        pending.set(one.id, one)
        pendingBytes += sizeOf(one)
      }
      if (closedCallId !== null) calls.delete(closedCallId)
      const text = JSON.stringify({ add: reports, close: closedCallId })
      await note(journal.append([text], { isSynced: reports.length > 0 }))
    },
    next() {
      const batch: { id: string; line: string }[] = []
      let bytes = 0
      for (const one of pending.values()) {
        const text = JSON.stringify(one)
        bytes += text.length
        if (batch.length > 0 && bytes > gatewayLimits.reportBatchBytes) break
        if (batch.push({ id: one.id, line: text }) >= gatewayLimits.reportBatchCount) break
      }
      return batch
    },
    accept(ids) {
      const known = ids.filter((id) => pending.has(id))
      for (const id of known) {
        const one = pending.get(id)
        if (one !== undefined) pendingBytes -= sizeOf(one)
        pending.delete(id)
      }
      if (known.length === 0) return
      void note(journal.append([JSON.stringify({ accepted: known })], { isSynced: false }))
      void compactWhenDue()
    },
    pendingSpent(logId) {
      let spent = { tokens: 0, usd: 0 }
      for (const one of pending.values()) {
        if (one.type !== "usage" || one.logId !== logId) continue
        spent = { tokens: Math.max(spent.tokens, one.spent.tokens), usd: Math.max(spent.usd, one.spent.usd) }
      }
      return spent
    },
    close: () => journal.close(),
  }
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function sizeOf(one: Report): number {
  return JSON.stringify(one).length
}
