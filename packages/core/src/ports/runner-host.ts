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

export interface UnsentEntry {
  readonly n: number
  /** The body's JSON, as the runner spooled it: not yet checked. */
  readonly text: string
}

/**
 * Where runners run: host processes beside the server here, containers on a cluster. It knows
 * processes, not logs; `reconcile` decides. Each call is idempotent per (log, generation).
 */
export interface RunnerHost {
  /** Starts the runner and its way out (gateway). Resolves when it was started, not when attached. */
  start(start: RunnerStart): Promise<void>
  /** All of the log that exist on this host, or of every log; those included that died and left something. */
  list(log?: LogId): Promise<readonly RunnerInfo[]>
  /** Ends the runner and every process of its sandbox at once, and hands over what it had not sent. */
  stop(log: LogId, generation: number): Promise<{ readonly unsent: readonly UnsentEntry[] }>
  /** Stops it, and removes all it left: sandbox, spool, sockets. */
  remove(log: LogId, generation: number): Promise<void>
}
