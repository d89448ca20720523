import type { BlobStore } from "../ports/blob-store.ts"
import type { EventLog } from "../ports/event-log.ts"
import type { LeaseStore } from "../ports/lease-store.ts"
import type { RunnerHost } from "../ports/runner-host.ts"
import type { Clock, Logger } from "../ports/runtime.ts"
import type { SessionRecord, SessionStore } from "../ports/session-store.ts"

export interface ReconcileOptions {
  readonly eventLog: EventLog
  readonly leaseStore: LeaseStore
  readonly sessionStore: SessionStore
  readonly blobStore: BlobStore
  readonly runnerHost: RunnerHost
  readonly clock: Clock
  readonly logger: Logger
  /** Called when a session is gone for good: its secrets, its blobs. Idempotent. */
  readonly forget: (record: SessionRecord) => Promise<void>
}
