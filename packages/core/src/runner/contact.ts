import type { Clock, Logger } from "../ports/runtime.ts"
import { abortable } from "./abortable.ts"
import { isFinal, isPassing, messageOf } from "./link-errors.ts"

/** Quick at first: a server that restarts is back within a second, and the agent should not notice. */
const firstDelayMs = 50
const longestDelayMs = 250

/** Why a runner stops without being asked through the log. */
export type EndCause = "fenced" | "orphaned"

/**
 * A runner's relation to its log: calls are repeated for as long as the log may come back, and the
 * two ends of it are told apart. `fenced`: the log takes nothing more from us. `orphaned`: nobody
 * answered for `orphanTimeoutMs`.
 */
export interface Contact {
  /** Aborts with the cause when the relation has ended. */
  readonly ended: AbortSignal
  readonly cause: () => EndCause | null
  end(cause: EndCause, reason: unknown): void
  /** The runner has ended by itself: nothing is waited for any longer. */
  close(): void
  /** The log was heard of just now. */
  touch(): void
  /** Repeats while it fails for a passing reason. Rejects when refused, or when the relation ends. */
  insist<Value>(what: string, attempt: () => Promise<Value>): Promise<Value>
  /** Ends the relation when nothing was heard for too long. Runs until it has ended. */
  watch(): Promise<void>
}

export function createContact(options: {
  readonly clock: Clock
  readonly logger: Logger
  readonly orphanTimeoutMs: number
}): Contact {
  const { clock, logger, orphanTimeoutMs } = options
  const controller = new AbortController()
  const ended = controller.signal
  let cause: EndCause | null = null
  let lastHeardAt = clock.now()

  const end = (newCause: EndCause, reason: unknown): void => {
    if (cause !== null) return
    cause = newCause
    logger.warn({ cause, reason: messageOf(reason) }, "the log is no longer ours")
    controller.abort(reason)
  }

  const insist = async <Value>(what: string, attempt: () => Promise<Value>): Promise<Value> => {
    let delayMs = firstDelayMs
    for (;;) {
      ended.throwIfAborted()
      try {
        const value = await abortable(attempt(), ended)
        lastHeardAt = clock.now()
        return value
      } catch (error) {
        if (isFinal(error)) end("fenced", error)
        if (ended.aborted || !isPassing(error)) throw error
        if (delayMs === firstDelayMs) logger.info({ what, error: messageOf(error) }, "the log is away")
      }
      await clock.sleep(delayMs, { signal: ended })
      delayMs = Math.min(delayMs * 2, longestDelayMs)
    }
  }

  return {
    ended,
    cause: () => cause,
    end,
    close: () => controller.abort(new Error("the runner has ended")),
    touch: () => void (lastHeardAt = clock.now()),
    insist,
    async watch() {
      while (!ended.aborted) {
        const leftMs = lastHeardAt + orphanTimeoutMs - clock.now()
        if (leftMs <= 0) end("orphaned", new Error(`no log for ${orphanTimeoutMs / 1000} s`))
        else await clock.sleep(leftMs, { signal: ended })
      }
    },
  }
}
