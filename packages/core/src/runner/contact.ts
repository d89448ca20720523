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
 * answered for `orphanTimeoutMs`; noticed by whoever insists, and somebody always renews.
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
  /** Since when calls fail; null while they succeed. Not the last success: a laptop may have slept since. */
  let awaySince: number | null = null

  const end = (newCause: EndCause, reason: unknown): void => {
    if (cause !== null) return
    cause = newCause
    logger.warn({ cause, reason: messageOf(reason) }, "the log is no longer ours")
    controller.abort(reason)
  }

  const noteFailure = (what: string, error: unknown): void => {
    if (awaySince === null) logger.info({ what, error: messageOf(error) }, "the log is away")
    awaySince ??= clock.now()
    if (clock.now() - awaySince < orphanTimeoutMs) return
    end("orphaned", new Error(`no log for ${orphanTimeoutMs / 1000} s`))
  }

  const insist = async <Value>(what: string, attempt: () => Promise<Value>): Promise<Value> => {
    let delayMs = firstDelayMs
    for (;;) {
      ended.throwIfAborted()
      try {
        const value = await abortable(attempt(), ended)
        awaySince = null
        return value
      } catch (error) {
        if (isFinal(error)) end("fenced", error)
        if (ended.aborted || !isPassing(error)) throw error
        noteFailure(what, error)
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
    touch: () => void (awaySince = null),
    insist,
  }
}
