import {
  AppError,
  type AgentCatalog,
  type Clock,
  type Ids,
  type Logger,
  type Orchestrator,
} from "@berth/core"
import { createMemoryStores, type MemoryStores } from "@berth/memory"
import type { IsolationReport, LogId } from "@berth/protocol"

/** Everything that the HTTP API stands on, in memory, with a clock that moves only when told to. */
export interface HttpPorts {
  readonly stores: MemoryStores
  /** What `createApi` takes, but for the rules of access. */
  readonly api: ReturnType<typeof apiPorts>
  readonly ids: Ids
  /** What was logged as an error: a test that met one should fail. */
  readonly errors: readonly unknown[]
  /** Logs that were woken, in order. */
  readonly woken: readonly LogId[]
  advance(ms: number): Promise<void>
}

const startedAt = Date.parse("2026-01-01T00:00:00.000Z")

export function createHttpPorts(): HttpPorts {
  const { clock, advance } = createManualClock()
  const ids = createCountingIds()
  const errors: unknown[] = []
  const woken: LogId[] = []
  const ignore = (): void => {}
  const stores = createMemoryStores({ clock, ids })
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields) => void errors.push(fields),
  }
  const orchestrator = { wake: (log: LogId) => void woken.push(log) }
  return { stores, api: apiPorts(stores, { clock, ids, logger, orchestrator }), ids, errors, woken, advance }
}

function apiPorts(
  stores: MemoryStores,
  runtime: {
    readonly clock: Clock
    readonly ids: Ids
    readonly logger: Logger
    readonly orchestrator: Orchestrator
  },
) {
  const catalog: AgentCatalog = { list: async () => agents }
  return {
    ...runtime,
    version: "0.0.0-test",
    eventLog: stores.log,
    sessionStore: stores.sessions,
    keyStore: stores.keys,
    blobStore: stores.blobs,
    agents: catalog,
    allowCustomAgents: true,
    health: async () => ({ isolation, survivesRestart: false, checks: { store: { ok: true } } }),
    metrics: async () => ({ contentType: "text/plain; version=0.0.4", text: "up 1\n" }),
  }
}

const unlimited = { value: 1, mechanism: "none" } as const
const isolation: IsolationReport = {
  level: "none",
  user: "none",
  seccomp: false,
  limits: { memory_mib: unlimited, cpu: unlimited, pids: unlimited, disk_mib: unlimited },
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
