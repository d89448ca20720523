import type { AnswerTally, TokenUsage } from "../upstreams/upstream.ts"
import { noUsage } from "../upstreams/upstream.ts"
import { highestPriceOf, priceOf, type ModelPrice } from "./price.ts"

/** The most that a call was let through for. */
export interface CallBound {
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface Charge {
  readonly usage: TokenUsage
  /** Null when the model has no price. */
  readonly usd: number | null
  readonly isEstimate: boolean
}

/**
 * What a call is charged. When its answer did not come to its end, or does not tell, the upstream may
 * charge for all that was asked for: so does the budget. Without a budget (`bound` null) what was
 * seen is reported.
 */
export function chargeCall(
  tally: AnswerTally,
  isWhole: boolean,
  bound: CallBound | null,
  price: ModelPrice | null,
): Charge {
  const { usage } = tally
  if (usage !== null && isWhole) return exact(usage, price, false)
  if (bound === null) return exact(usage ?? noUsage, price, true)
  if (usage !== null) {
    return exact({ ...usage, outputTokens: Math.max(usage.outputTokens, bound.outputTokens) }, price, true)
  }
  const usd = price === null ? null : highestPriceOf(price, bound.inputTokens, bound.outputTokens)
  return { usage: { ...noUsage, ...bound }, usd, isEstimate: true }
}

function exact(usage: TokenUsage, price: ModelPrice | null, isEstimate: boolean): Charge {
  return { usage, usd: price === null ? null : priceOf(price, usage), isEstimate }
}
