import type { Clock, Logger } from "@berth/core"

export interface LimitWatch {
  /** Keeps looking for as long as something runs. Calls nest; each `stop` ends one. */
  start(): { stop(): void }
}

export interface LimitWatchOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** One look, and what follows from it. */
  readonly look: () => Promise<void>
}

const intervalMs = 200
/** A look that is slow is rare: looking takes at most a tenth of the time. */
const restPerWork = 9

/** Calls `look` again and again while something runs, and once after the last has ended. */
export function createLimitWatch({ clock, logger, look }: LimitWatchOptions): LimitWatch {
  let running = 0
  let isLooking = false
  let wake = new AbortController()

  async function loop(): Promise<void> {
    let workMs = 0
    for (let isLast = false; !isLast;) {
      await clock.sleep(Math.max(intervalMs, workMs * restPerWork), { signal: wake.signal })
      isLast = running === 0
      const from = performance.now()
      try {
        await look()
      } catch (error) {
        logger.error({ error }, "a sandbox's limits could not be measured")
      }
      workMs = performance.now() - from
    }
    isLooking = false
    if (running > 0) begin()
  }

  function begin(): void {
    // A signal that has aborted would let the loop run without rest.
    if (wake.signal.aborted) wake = new AbortController()
    if (isLooking) return
    isLooking = true
    void loop()
  }

  return {
    start() {
      running += 1
      begin()
      return {
        stop() {
          running -= 1
          if (running === 0) wake.abort()
        },
      }
    },
  }
}
