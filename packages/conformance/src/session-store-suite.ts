import type { EventLog, LeaseStore, SessionStore } from "@berth/core"
import { defineSuite, type Fixture, type SuiteOptions } from "./define-suite.ts"
import { sessionListTests } from "./session-list-tests.ts"
import { sessionStoreTests } from "./session-store-tests.ts"

/** Sessions over the logs that their status comes from. */
export interface SessionFixture extends Fixture {
  readonly sessions: SessionStore
  readonly log: EventLog
  readonly leases: LeaseStore
  /** Moves the store's clock forward. */
  advance(ms: number): Promise<void>
}

export function sessionStoreSuite(
  name: string,
  open: () => Promise<SessionFixture>,
  options: SuiteOptions = {},
): void {
  defineSuite(`SessionStore: ${name}`, { ...sessionStoreTests, ...sessionListTests }, open, options)
}
