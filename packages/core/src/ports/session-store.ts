import type {
  AgentChoice,
  Budget,
  LogId,
  NetworkPolicy,
  PermissionPolicy,
  ProjectId,
  SessionId,
  SessionStatus,
} from "@berth/protocol"

/** What a session was asked to be. Mutable by PATCH; the log holds what happened. */
export interface SessionSpec {
  readonly agent: AgentChoice | null
  readonly model: string | null
  readonly mode: string | null
  readonly instructions: string | null
  readonly permissions: PermissionPolicy
  readonly trustWorkspace: boolean
  readonly network: NetworkPolicy
  readonly budget: Budget | null
  readonly idleTimeoutMs: number
  readonly permissionHoldMs: number
  readonly title: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  /** Names only; values are encrypted in the KeyStore under `session/<logId>`. */
  readonly envNames: readonly string[]
  readonly limits: {
    readonly memoryMib: number
    readonly cpu: number
    readonly pids: number
    readonly diskMib: number
  }
}

export interface SessionRecord {
  readonly project: ProjectId
  readonly id: SessionId
  readonly log: LogId
  /** ISO 8601. */
  readonly createdAt: string
  readonly updatedAt: string
  readonly spec: SessionSpec
}

/** A row of the listing: the record with the projected part of its head. */
export interface SessionListItem extends SessionRecord {
  readonly status: SessionStatus
  readonly headSeq: number
}

export interface SessionFilter {
  readonly status?: SessionStatus
  readonly agent?: string
  /** Case-insensitive part of id or title. */
  readonly query?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/**
 * Aliases (project + id) to logs. `delete` frees the alias at once and leaves a tombstone, which
 * drives clean-up until `bury` removes it.
 */
export interface SessionStore {
  /** `id_taken` when the alias is in use. */
  insert(record: SessionRecord): Promise<void>
  find(project: ProjectId, id: SessionId): Promise<SessionRecord | null>
  /** By log id, tombstones included. */
  findByLog(log: LogId): Promise<{ readonly record: SessionRecord; readonly deletedAt: string | null } | null>
  /** Replaces the spec; null when the log is not live. */
  update(log: LogId, spec: SessionSpec): Promise<SessionRecord | null>
  /** Newest first. `total` counts all that match. */
  list(
    project: ProjectId,
    options: { readonly limit: number; readonly cursor?: string; readonly filter?: SessionFilter },
  ): Promise<{
    readonly items: readonly SessionListItem[]
    readonly total: number
    readonly nextCursor: string | null
  }>
  /** The tombstone's log, or null when there is no such session. */
  delete(project: ProjectId, id: SessionId): Promise<LogId | null>
  /** Tombstones, oldest first; and their end. */
  readonly tombstones: {
    list(limit: number): Promise<readonly LogId[]>
    bury(log: LogId): Promise<void>
  }
}
