import type {
  AgentCatalog,
  ApiKey,
  BlobStore,
  Clock,
  EventLog,
  Ids,
  KeyStore,
  Logger,
  Orchestrator,
  SessionStore,
} from "@berth/core"
import type { IsolationReport, ProjectId } from "@berth/protocol"
import type { Context } from "hono"

/** Who may come in: `execution-api.md`, "Access". */
export interface AccessOptions {
  readonly mode: "loopback" | "keys" | "none"
  /** Origins whose pages may call, as `https://host[:port]`. */
  readonly corsOrigins: readonly string[]
  /** Without it, requests that carry `Forwarded` or `X-Forwarded-*` are refused. */
  readonly trustForwardedHeaders: boolean
  /** Signs session cookies; 32 random bytes that outlive a restart. */
  readonly cookieSecret: Uint8Array
  /** Per API key; null for no limit. Callers without a key are not counted. */
  readonly requestsPerMinute: number | null
}

export interface HealthReport {
  readonly isolation: IsolationReport
  /** Whether running sandboxes outlive a restart of the server. */
  readonly survivesRestart: boolean
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>
}

/** One request, when its head was sent; streams go on after it. */
export interface RequestObservation {
  readonly method: string
  /** The route's pattern, never the path: its number is bounded. */
  readonly route: string
  readonly status: number
  readonly durationMs: number
}

/** Ports and values of `createApi`. The caller owns all of them. */
export interface ApiOptions {
  readonly version: string
  readonly eventLog: EventLog
  readonly sessionStore: SessionStore
  readonly keyStore: KeyStore
  readonly blobStore: BlobStore
  readonly orchestrator: Orchestrator
  readonly agents: AgentCatalog
  readonly allowCustomAgents: boolean
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly access: AccessOptions
  readonly health: () => Promise<HealthReport>
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  readonly observe?: (request: RequestObservation) => void
  /** Readers of streams at this moment, told on every change. */
  readonly observeReaders?: (count: number) => void
}

/** What the server knows of a connection, handed over with each request: `app.fetch(request, bindings)`. */
export interface ApiBindings {
  readonly remoteAddress: string | null
  /** Whether the socket it came in by is bound to a loopback address or is a Unix socket. */
  readonly isLoopbackBind: boolean
}

/** Who a request is from, once it was let in. */
export interface Access {
  readonly key: ApiKey | null
  readonly project: ProjectId
  /** As the log names the sender of an answer. */
  readonly by: string
}

export interface ApiEnv {
  Bindings: Partial<ApiBindings>
  Variables: { access: Access }
}
export type ApiContext = Context<ApiEnv>
