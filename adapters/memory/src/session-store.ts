import {
  agentNameOf,
  AppError,
  decodeListCursor,
  encodeListCursor,
  labelsOf,
  searchTextOf,
  type Clock,
  type SessionFilter,
  type SessionListItem,
  type SessionRecord,
  type SessionStore,
} from "@berth/core"
import type { LogId, ProjectId } from "@berth/protocol"
import type { LogTable } from "./log-table.ts"

interface StoredSession {
  readonly record: SessionRecord
  readonly deletedAt: string | null
}

/** The reference SessionStore. Status and headSeq are read from the logs themselves. */
export function createMemorySessionStore(options: {
  readonly table: LogTable
  readonly clock: Clock
}): SessionStore {
  const { table, clock } = options
  const sessions = new Map<LogId, StoredSession>()
  let graves: readonly LogId[] = []

  const now = (): string => new Date(clock.now()).toISOString()
  const live = (project: ProjectId): readonly SessionRecord[] =>
    [...sessions.values()]
      .filter(({ record, deletedAt }) => deletedAt === null && record.project === project)
      .map(({ record }) => record)
  const find = (project: ProjectId, id: string): SessionRecord | null =>
    live(project).find((record) => record.id === id) ?? null
  const itemOf = (record: SessionRecord): SessionListItem => {
    const row = table.get(record.log)?.row
    return { ...record, status: row?.head.status ?? "created", headSeq: row?.headSeq ?? 0 }
  }

  return {
    async insert(record) {
      const { project, id, log } = record
      if (find(project, id) !== null) {
        throw new AppError("id_taken", `The session ${id} exists. Choose another id.`, { details: { id } })
      }
      if (sessions.has(log)) {
        throw new AppError("conflict", `The log ${log} has a session. Choose another log.`)
      }
      sessions.set(log, { record, deletedAt: null })
    },
    async find(project, id) {
      return find(project, id)
    },
    async findByLog(log) {
      return sessions.get(log) ?? null
    },
    async update(log, spec) {
      const known = sessions.get(log)
      if (known === undefined || known.deletedAt !== null) return null
      const record = { ...known.record, spec, updatedAt: now() }
      sessions.set(log, { record, deletedAt: null })
      return record
    },
    async list(project, { limit, cursor, filter = {} }) {
      const matching = live(project)
        .map(itemOf)
        .filter((item) => isMatch(item, filter))
        .toSorted(newestFirst)
      const after = cursor === undefined ? null : decodeListCursor(cursor)
      const rest = after === null ? matching : matching.filter((item) => newestFirst(after, item) < 0)
      const items = rest.slice(0, limit)
      const last = items.at(-1)
      const hasMore = rest.length > limit && last !== undefined
      return { items, total: matching.length, nextCursor: hasMore ? encodeListCursor(last) : null }
    },
    async delete(project, id) {
      const record = find(project, id)
      if (record === null) return null
      sessions.set(record.log, { record, deletedAt: now() })
      graves = [...graves, record.log]
      return record.log
    },
    tombstones: {
      async list(limit) {
        return graves.slice(0, limit)
      },
      async bury(log) {
        if (!graves.includes(log)) return
        graves = graves.filter((grave) => grave !== log)
        sessions.delete(log)
      },
    },
  }
}

type Position = Pick<SessionRecord, "createdAt" | "id">

function newestFirst(left: Position, right: Position): number {
  return descending(left.createdAt, right.createdAt) || descending(left.id, right.id)
}

function descending(left: string, right: string): number {
  if (left === right) return 0
  return left > right ? -1 : 1
}

function isMatch(item: SessionListItem, filter: SessionFilter): boolean {
  const { status, agent, query, metadata } = filter
  const labels = labelsOf(item)
  return (
    (status === undefined || item.status === status) &&
    (agent === undefined || agentNameOf(item) === agent) &&
    (query === undefined || searchTextOf(item).includes(query.toLowerCase())) &&
    Object.entries(metadata ?? {}).every(
      ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
    )
  )
}
