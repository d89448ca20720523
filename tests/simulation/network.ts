import { AppError, type Clock } from "@berth/core"
import type { Random } from "./random.ts"

export interface Network {
  /** One request: late, lost on the way there, or answered and the answer lost. */
  call<Value>(request: () => Promise<Value>): Promise<Value>
  /** A stream that may be cut between any two items. */
  stream<Item>(open: () => AsyncIterable<Item>): AsyncIterable<Item>
}

/**
 * Between a process and the server. `connection` is what can be connected to at this moment: a signal
 * that aborts when it is cut, or null.
 */
export function createNetwork(options: {
  readonly clock: Clock
  readonly random: Random
  readonly faults: { lossShare: number }
  readonly connection: () => AbortSignal | null
}): Network {
  const { clock, random, faults, connection } = options

  const connect = async (): Promise<AbortSignal> => {
    await clock.sleep(random.below(6))
    const signal = connection()
    if (signal === null || random.chance(faults.lossShare)) throw lost()
    return signal
  }
  const travel = async (signal: AbortSignal): Promise<void> => {
    await clock.sleep(random.below(6))
    if (signal.aborted || random.chance(faults.lossShare)) throw lost()
  }

  return {
    async call(request) {
      const signal = await connect()
      const value = await untilCut(request(), signal)
      await travel(signal)
      return value
    },
    async *stream(open) {
      const signal = await connect()
      const items = open()[Symbol.asyncIterator]()
      for (;;) {
        const next = await untilCut(items.next(), signal)
        if (next.done === true) return
        await travel(signal)
        yield next.value
      }
    },
  }
}

function lost(): AppError {
  return new AppError("unavailable", "The network lost it.")
}

/** Whoever waits on a connection hears of its end. */
function untilCut<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cut = (): void => reject(lost())
    if (signal.aborted) return cut()
    signal.addEventListener("abort", cut, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", cut))
  })
}
