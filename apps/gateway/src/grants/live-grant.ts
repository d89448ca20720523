import type { Clock } from "@berth/core"
import type { GrantKey, GrantRequest } from "../control/grant-request.ts"
import { unlimited, type Ledger } from "../budget/ledger.ts"
import type { BodyMemory } from "../upstreams/held-body.ts"
import type { EgressTarget } from "../egress/egress-target.ts"
import type { NewReport } from "../reports/report.ts"
import type { Reporter } from "../reports/reporter.ts"
import { createRefusalWindow } from "../reports/refusal-window.ts"

/** What all generations of one log share. */
export interface LogAccount {
  readonly ledger: Ledger
  /** The server was told that the budget is used up. */
  isExhaustionTold: boolean
  readonly memory: BodyMemory
}

/** One sandbox's permission, as it is now: `request` is replaced whenever the server puts it again. */
export interface LiveGrant {
  readonly key: GrantKey
  readonly account: LogAccount
  request: GrantRequest
  /** Tells the server of a refusal, unless it was told much the same a moment ago. */
  tellRefusal(refusal: RefusalNotice): void
  /** Connections out that are open; those that a new policy forbids are cut. */
  readonly tunnels: Set<{ readonly target: EgressTarget; cut(): void }>
  /** Calls that are not settled yet. */
  readonly calls: Set<Promise<void>>
}

export type RefusalNotice = Omit<
  Extract<NewReport, { readonly type: "refused" }>,
  "type" | "logId" | "generation" | "suppressed"
>

export interface LiveGrantOptions {
  readonly key: GrantKey
  readonly request: GrantRequest
  readonly account: LogAccount
  readonly reporter: Reporter
  readonly clock: Clock
}

export function createLiveGrant({ key, request, account, reporter, clock }: LiveGrantOptions): LiveGrant {
  const refusals = createRefusalWindow(() => clock.now())
  return {
    key,
    account,
    request,
    tunnels: new Set(),
    calls: new Set(),
    tellRefusal(refusal) {
      const suppressed = refusals.admit(`${refusal.kind} ${refusal.host} ${refusal.port} ${refusal.target}`)
      if (suppressed === null) return
      void reporter.send([{ type: "refused", ...key, ...refusal, suppressed }])
    },
  }
}

/** Tells the server, once, that the budget is used up; `isRefused` when a call does not fit into what is left. */
export function tellExhaustion(grant: LiveGrant, reporter: Reporter, isRefused: boolean): void {
  const { account } = grant
  if (account.isExhaustionTold || (!isRefused && !account.ledger.isExhausted())) return
  account.isExhaustionTold = true
  sendBudget(grant, reporter, "exhausted")
}

/** Tells the server, after its limit was changed, that calls are let through again. */
export function tellRaisedBudget(grant: LiveGrant, reporter: Reporter): void {
  const { account } = grant
  if (!account.isExhaustionTold || account.ledger.isExhausted()) return
  account.isExhaustionTold = false
  sendBudget(grant, reporter, "ok")
}

function sendBudget({ account, key }: LiveGrant, reporter: Reporter, state: "ok" | "exhausted"): void {
  const { tokens, usd } = account.ledger.limit ?? unlimited
  const limit = { ...(tokens === null ? {} : { tokens }), ...(usd === null ? {} : { usd }) }
  void reporter.send([{ type: "budget", ...key, state, limit, spent: { ...account.ledger.spent } }])
}
