import type { Clock, Logger } from "@berth/core"
import type { Dispatcher } from "undici"
import type { ChangeableConfig } from "../config.ts"
import type { EgressNetwork } from "../egress/open-egress.ts"
import type { Reporter } from "../reports/reporter.ts"
import type { Spool } from "../reports/spool.ts"
import type { BodyMemory } from "../upstreams/held-body.ts"
import type { LiveGrant } from "./live-grant.ts"

/** What every connection of every sandbox shares. */
export interface GatewayContext {
  readonly config: () => ChangeableConfig
  readonly dispatcher: Dispatcher
  readonly network: EgressNetwork
  readonly spool: Spool
  readonly reporter: Reporter
  readonly memory: BodyMemory
  readonly clock: Clock
  readonly newId: () => string
  readonly logger: Logger
  /** Notes what the grant's log has spent, for the next gateway. */
  readonly keepSpent: (grant: LiveGrant) => void
  /** An error that nobody had foreseen; it is logged and counted. */
  readonly onFault: (error: unknown) => void
}
