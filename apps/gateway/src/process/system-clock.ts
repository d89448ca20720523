import { setTimeout as sleep } from "node:timers/promises"
import type { Clock } from "@berth/core"

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, options) {
    try {
      await sleep(ms, undefined, options)
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "AbortError") throw error
    }
  },
}
