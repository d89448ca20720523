import { AppError } from "@berth/core"
import { unlimited, type Cost } from "../budget/ledger.ts"
import { tellExhaustion, type LiveGrant } from "../grants/live-grant.ts"
import type { Reporter } from "../reports/reporter.ts"

/**
 * The refusal of a call that does not fit. Where only other running calls are in its way the budget is
 * not used up, and the client may try again (`isRetryable` in the details).
 */
export function refuseForBudget(grant: LiveGrant, reporter: Reporter, cost: Cost): AppError {
  const { spent, reserved } = grant.account.ledger
  const limit = grant.account.ledger.limit ?? unlimited
  const isRetryable = grant.account.ledger.hasRoom(cost)
  if (!isRetryable) tellExhaustion(grant, reporter, true)
  const parts: string[] = []
  if (limit.tokens !== null) {
    parts.push(
      `${cost.tokens} tokens, with ${spent.tokens} of ${limit.tokens} spent and ${reserved.tokens} reserved`,
    )
  }
  if (limit.usd !== null) {
    const [most, used, held] = [cost.usd, spent.usd, reserved.usd].map((usd) => usd.toFixed(4))
    parts.push(`$${most}, with $${used} of $${limit.usd} spent and $${held} reserved`)
  }
  const advice = isRetryable
    ? "Try again when running calls have ended."
    : "Ask for fewer output tokens, or have the session's budget raised."
  return new AppError(
    "budget_exhausted",
    `This call does not fit the session's budget: it may take up to ${parts.join("; ")}. ${advice}`,
    { details: { isRetryable } },
  )
}
