import { AppError, type AgentCatalog, type Clock, type Ids, type Logger } from "@berth/core"
import { createMemoryStores, type MemoryStores } from "@berth/memory"
import type { LogId } from "@berth/protocol"

/** Everything that the HTTP API stands on, in memory, with a clock that moves only when told to. */
export interface HttpPorts {
  readonly stores: MemoryStores
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  /** What was logged as an error: a test that met one should fail. */
  readonly errors: readonly unknown[]
  readonly agents: AgentCatalog
  /** Logs that were woken, in order. */
  readonly woken: readonly LogId[]
  readonly orchestrator: { wake(log: LogId): void }
  advance(ms: number): Promise<void>
}

const startedAt = Date.parse("2026-01-01T00:00:00.000Z")

export function createHttpPorts(): HttpPorts {
  const { clock, advance } = createManualClock()
  const ids = createCountingIds()
  const errors: unknown[] = []
  const woken: LogId[] = []
  const ignore = (): void => {}
  return {
    stores: createMemoryStores({ clock, ids }),
    clock,
    ids,
    logger: { debug: ignore, info: ignore, warn: ignore, error: (fields) => errors.push(fields) },
    errors,
    agents: { list: async () => agents },
    woken,
    orchestrator: { wake: (log) => woken.push(log) },
    advance,
  }
}

const agents = [
  {
    name: "shell",
    title: "Shell",
    description: "Runs each prompt as a script.",
    isInstalled: true,
    isDefault: true,
    install: null,
  },
  {
    name: "claude",
    title: "Claude",
    description: "A coding agent.",
    isInstalled: false,
    isDefault: false,
    install: "berth agents add claude",
  },
] as const

function createCountingIds(): Ids {
  let count = 0
  return {
    next: () => {
      count += 1
      return count.toString(32).padStart(26, "0")
    },
  }
}

function createManualClock(): { readonly clock: Clock; readonly advance: (ms: number) => Promise<void> } {
  let now = startedAt
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  const clock: Clock = {
    now: () => now,
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const sleeper = { at: now + ms, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper)
          resolve()
        })
      }),
  }
  return {
    clock,
    async advance(ms) {
      if (ms < 0) throw new AppError("bad_params", "Time goes forward.")
      now += ms
      for (const sleeper of sleepers) {
        if (sleeper.at > now) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
      await Promise.resolve()
    },
  }
}
