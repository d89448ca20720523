import { limits, type LogId } from "@berth/protocol"
import { isAppError } from "../errors/app-error.ts"
import type { SessionRecord } from "../ports/session-store.ts"
import { decide, type Action, type Observation } from "./decide.ts"
import { hasSandbox } from "./head.ts"
import { createPerform } from "./perform-action.ts"
import type { ReconcileOptions } from "./reconcile-options.ts"

/** Brings one session towards what its log asks for. Resolves with the time to look again, or null. */
export type Reconcile = (log: LogId) => Promise<number | null>

/** Rounds of observe, decide, act in one call; what is left after them is taken up again at once. */
const maxRounds = 8

/**
 * Level-triggered and idempotent: it may be called at any time, any number of times, for any log.
 * Calls for one log must not overlap; `createReconcileLoop` sees to that within one process, and
 * leases and `once` names between processes.
 */
export function createReconcile(options: ReconcileOptions): Reconcile {
  const { eventLog, leaseStore, sessionStore, runnerHost, clock } = options
  const perform = createPerform(options)
  const unattendedSince = new Map<LogId, number>()
  const failedStarts = new Map<LogId, number>()

  const observe = async (log: LogId): Promise<(Observation & { readonly record: SessionRecord }) | null> => {
    const found = await sessionStore.findByLog(log)
    if (found === null) return null
    // Runners first: one that is seen dead has said before what it had to say, and the log read after it has that.
    const runners = await runnerHost.list(log)
    const [state, lease] = await Promise.all([eventLog.state(log), leaseStore.inspect(log)])
    const now = clock.now()
    const hasLiveLease = lease.remainingMs > 0
    if (hasLiveLease || !hasSandbox(state.head)) unattendedSince.delete(log)
    else if (!unattendedSince.has(log)) unattendedSince.set(log, now)
    if (hasSandbox(state.head) && state.head.sandbox?.state !== "created") failedStarts.delete(log)
    return {
      record: found.record,
      now,
      head: state.head,
      isClosed: state.closed,
      isDeleted: found.deletedAt !== null,
      hasLiveLease,
      unattendedMs: now - (unattendedSince.get(log) ?? now),
      runners,
      idleTimeoutMs: found.record.spec.idleTimeoutMs,
      failedStarts: failedStarts.get(log) ?? 0,
    }
  }

  const countFailures = (log: LogId, action: Action, seen: Observation): void => {
    const isFailedStart = action.type === "mark_lost" && seen.head.sandbox?.state === "created"
    if (isFailedStart) failedStarts.set(log, seen.failedStarts + 1)
    if (action.type === "fail" || action.type === "bury") failedStarts.delete(log)
  }

  /** A log nobody knows: what runs for it was left by a deletion that was cut short. */
  const removeOrphans = async (log: LogId): Promise<null> => {
    for (const { generation } of await runnerHost.list(log)) await runnerHost.remove(log, generation)
    return null
  }

  return async (log) => {
    for (let round = 0; round < maxRounds; round += 1) {
      const seen = await observe(log)
      if (seen === null) return removeOrphans(log)
      const { actions, wakeAt } = decide(seen)
      if (actions.length === 0) return wakeAt
      for (const action of actions) {
        try {
          await perform(seen.record, action, seen.head)
          countFailures(log, action, seen)
        } catch (error) {
          // Somebody else was first, or the log moved: what they did is seen in the next round.
          if (!isOvertaken(error)) throw error
        }
      }
    }
    return clock.now() + limits.leaseTtlMs / 10
  }
}

function isOvertaken(error: unknown): boolean {
  return (
    isAppError(error, "busy") ||
    isAppError(error, "stale_epoch") ||
    isAppError(error, "already_answered") ||
    isAppError(error, "precondition_failed") ||
    isAppError(error, "log_closed")
  )
}
