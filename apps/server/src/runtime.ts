import { setTimeout as delay } from "node:timers/promises"
import type { Clock, Ids } from "@berth/core"
import { monotonicFactory } from "ulid"

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, options = {}) {
    // An abort is the expected way to be woken early, so the rejection says nothing.
    await delay(ms, undefined, { ref: true, ...options }).catch(() => {})
  },
}

/** ULIDs in lower case (https://github.com/ulid/spec): sortable by time, also within a millisecond. */
export function createIds(): Ids {
  const next = monotonicFactory()
  return { next: () => next().toLowerCase() }
}
