import type {
  BlobStore,
  EventLog,
  Logger,
  Orchestrator,
  RunnerAccess,
  RunnerTokens,
  SessionStore,
} from "@berth/core"
import type { Clock } from "@berth/core"

/** Ports of `createInternalApi`. The caller owns all of them. */
export interface InternalApiOptions {
  readonly runnerAccess: RunnerAccess
  readonly runnerTokens: RunnerTokens
  readonly eventLog: EventLog
  readonly sessionStore: SessionStore
  readonly blobStore: BlobStore
  readonly orchestrator: Orchestrator
  readonly clock: Clock
  readonly logger: Logger
}
