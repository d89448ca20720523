import type { Clock } from "@berth/core"

/** One timer for all readers of streams, which runs while there are any. */
export interface Heartbeat {
  /** Calls `beat` every interval until the answer is called. */
  join(beat: () => void): () => void
}

export function createHeartbeat(options: {
  readonly clock: Clock
  readonly intervalMs: number
  readonly onCount?: (count: number) => void
}): Heartbeat {
  const { clock, intervalMs, onCount } = options
  const members = new Set<() => void>()
  let stop: AbortController | null = null

  const run = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      await clock.sleep(intervalMs, { signal })
      if (signal.aborted) return
      for (const beat of members) beat()
    }
  }

  return {
    join(beat) {
      members.add(beat)
      onCount?.(members.size)
      if (stop === null) {
        stop = new AbortController()
        void run(stop.signal)
      }
      return () => {
        if (!members.delete(beat)) return
        onCount?.(members.size)
        if (members.size > 0) return
        stop?.abort()
        stop = null
      }
    },
  }
}
