import { limits, type LogId } from "@berth/protocol"
import type { LeaseStore } from "../ports/lease-store.ts"
import type { Orchestrator } from "../ports/orchestrator.ts"
import type { RunnerHost } from "../ports/runner-host.ts"
import type { Clock, Logger } from "../ports/runtime.ts"
import type { SessionStore } from "../ports/session-store.ts"
import type { Reconcile } from "./reconcile.ts"

/** How often every log is found that has work and nobody at it, in case a wake-up was lost. */
const sweepIntervalMs = 5_000
/** After an unexpected error in one session. */
const retryMs = 1_000
const concurrency = 8

/** The embedded Orchestrator: calls `reconcile` on wake-ups, deadlines and sweeps, one call a log at a time. */
export function createReconcileLoop(options: {
  readonly reconcile: Reconcile
  readonly leaseStore: LeaseStore
  readonly sessionStore: SessionStore
  readonly runnerHost: RunnerHost
  readonly clock: Clock
  readonly logger: Logger
}): Orchestrator & { readonly run: (signal: AbortSignal) => Promise<void> } {
  const { reconcile, leaseStore, sessionStore, runnerHost, clock, logger } = options
  const waiting = new Set<LogId>()
  const busy = new Set<LogId>()
  const deadlines = new Map<LogId, number>()
  let ring: () => void = () => {}

  const wake = (log: LogId): void => {
    waiting.add(log)
    ring()
  }

  const visit = async (log: LogId): Promise<void> => {
    busy.add(log)
    deadlines.delete(log)
    try {
      const wakeAt = await reconcile(log)
      if (wakeAt !== null) deadlines.set(log, wakeAt)
    } catch (error) {
      logger.error({ log, error }, "reconciling a session failed; trying again")
      deadlines.set(log, clock.now() + retryMs)
    } finally {
      busy.delete(log)
      ring()
    }
  }

  const sweep = async (): Promise<void> => {
    let after: LogId | undefined
    for (;;) {
      const page = await leaseStore.listActive({ limit: 500, ...(after === undefined ? {} : { after }) })
      for (const { log } of page) waiting.add(log)
      after = page.at(-1)?.log
      if (after === undefined) break
    }
    for (const log of await sessionStore.tombstones.list(500)) waiting.add(log)
    for (const { log } of await runnerHost.list()) waiting.add(log)
  }

  const startWaiting = (): void => {
    for (const log of waiting) {
      if (busy.size >= concurrency) return
      if (busy.has(log)) continue
      waiting.delete(log)
      void visit(log)
    }
  }

  const takeDue = (): number => {
    const now = clock.now()
    let next = now + limits.leaseTtlMs
    for (const [log, at] of deadlines) {
      if (at <= now) waiting.add(log)
      else next = Math.min(next, at)
    }
    return next
  }

  return {
    wake,
    /** Runs until aborted; resolves when no visit is under way any more. */
    async run(signal) {
      let sweepAt = clock.now()
      while (!signal.aborted) {
        if (clock.now() >= sweepAt) {
          await sweep().catch((error: unknown) => logger.error({ error }, "the sweep failed; trying again"))
          sweepAt = clock.now() + sweepIntervalMs
        }
        const nextAt = Math.min(sweepAt, takeDue())
        startWaiting()
        await waitForBell(Math.max(1, nextAt - clock.now()), signal)
      }
      while (busy.size > 0) await waitForBell(retryMs, new AbortController().signal)
    },
  }

  async function waitForBell(ms: number, signal: AbortSignal): Promise<void> {
    const timer = new AbortController()
    const abort = (): void => timer.abort()
    ring = abort
    signal.addEventListener("abort", abort, { once: true })
    await clock.sleep(ms, { signal: timer.signal })
    signal.removeEventListener("abort", abort)
    ring = () => {}
  }
}
