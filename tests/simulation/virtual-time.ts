import type { Clock } from "@berth/core"

export interface VirtualTime {
  readonly clock: Clock
  /** Lets everything that can go on now go on, then moves to the next thing that is due. */
  step(): Promise<void>
  readonly steps: () => number
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

/**
 * Time that moves only when told to. All promises that can settle do so between two steps (a turn of
 * the event loop empties the microtask queue), so a run depends on nothing but its seed.
 */
export function createVirtualTime(start: number): VirtualTime {
  let now = start
  let order = 0
  let steps = 0
  let timers: Timer[] = []

  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  const clock: Clock = {
    now: () => now,
    sleep: (ms, options = {}) =>
      new Promise((resolve) => {
        const { signal } = options
        if (signal?.aborted === true) return resolve()
        const finish = (): void => {
          timers = timers.filter((candidate) => candidate !== timer)
          signal?.removeEventListener("abort", finish)
          resolve()
        }
        order += 1
        const timer = { at: now + Math.max(0, ms), order, fire: finish }
        timers.push(timer)
        signal?.addEventListener("abort", finish, { once: true })
      }),
  }

  return {
    clock,
    steps: () => steps,
    async step() {
      steps += 1
      await settle()
      let next: Timer | undefined
      for (const timer of timers) {
        if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
          next = timer
      }
      if (next === undefined) return
      now = Math.max(now, next.at)
      next.fire()
      await settle()
    },
  }
}
