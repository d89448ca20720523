import type { LogId } from "@berth/protocol"
import type { SessionRecord } from "./session-store.ts"

export interface RunnerStart {
  readonly record: SessionRecord
  readonly generation: number
  readonly epoch: number
}

export interface RunnerInfo {
  readonly log: LogId
  readonly generation: number
  readonly isAlive: boolean
}

/**
 * Where runners run: host processes beside the server here, containers on a cluster. It knows
 * processes, not logs; `reconcile` decides. Each call is idempotent per (log, generation).
 */
export interface RunnerHost {
  /** Starts the runner and its way out (gateway). Resolves when it was started, not when attached. */
  start(start: RunnerStart): Promise<void>
  /** All that exist on this host, dead ones that left something behind included. */
  list(): Promise<readonly RunnerInfo[]>
  /** Ends the runner and its sandbox, removes what they left, and hands over unsent entries. */
  stop(log: LogId, generation: number): Promise<{ readonly unsent: readonly UnsentEntry[] }>
}

export interface UnsentEntry {
  readonly n: number
  /** The body's JSON, as the runner spooled it. */
  readonly text: string
}
