import type { LogId } from "@berth/protocol"

/** Hosts `reconcile` and its deadlines. A wake-up is a hint: losing one delays, and breaks nothing. */
export interface Orchestrator {
  wake(log: LogId): void
}
