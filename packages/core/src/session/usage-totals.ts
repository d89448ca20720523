import type { UsageNumbers } from "@berth/protocol"

/** What a session has used so far. Tokens; US dollars. */
export type UsageTotals = { readonly [Name in keyof UsageNumbers]-?: number }

export function addUsage(total: UsageTotals, more: UsageNumbers): UsageTotals {
  return {
    inputTokens: total.inputTokens + (more.inputTokens ?? 0),
    outputTokens: total.outputTokens + (more.outputTokens ?? 0),
    cacheReadTokens: total.cacheReadTokens + (more.cacheReadTokens ?? 0),
    cacheWriteTokens: total.cacheWriteTokens + (more.cacheWriteTokens ?? 0),
    usd: total.usd + (more.usd ?? 0),
  }
}
