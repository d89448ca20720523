import { AppError, type Clock, type SessionRecord, type SessionSpec, type SessionStore } from "@berth/core"
import type { LogId, ProjectId, SessionId } from "@berth/protocol"
import type { GroupCommit } from "./group-commit.ts"
import { createSessionListing } from "./session-listing.ts"
import { parseSession, projectSession, sessionColumns } from "./session-row.ts"
import { textOf, textOrNull, type Sql } from "./sql.ts"

/**
 * Sessions beside the logs, in the same file: `status` is a column that a trigger moves with the
 * log's head (schema.ts), so listings need no log.
 */
export function createSqliteSessionStore(options: {
  readonly sql: Sql
  readonly group: GroupCommit
  readonly clock: Clock
}): SessionStore {
  const { sql, group, clock } = options
  const insert = sql.prepare(
    `INSERT INTO session (project, id, log, created_at, updated_at, deleted_at, status, agent, search, labels, spec)
     VALUES (?1, ?2, ?3, ?4, ?5, NULL, coalesce((SELECT status FROM log WHERE name = ?3), 'created'), ?6, ?7, ?8, ?9)`,
  )
  const selectAlias = sql.prepare(
    `SELECT ${sessionColumns} FROM session WHERE project = ?1 AND id = ?2 AND deleted_at IS NULL`,
  )
  const selectLog = sql.prepare(`SELECT ${sessionColumns}, deleted_at FROM session WHERE log = ?1`)
  const setSpec = sql.prepare(
    "UPDATE session SET updated_at = ?2, agent = ?3, search = ?4, labels = ?5, spec = ?6 WHERE log = ?1",
  )
  const setDeleted = sql.prepare("UPDATE session SET deleted_at = ?2 WHERE log = ?1")
  const selectTombstones = sql.prepare(
    "SELECT log FROM session WHERE deleted_at IS NOT NULL ORDER BY deleted_at, row LIMIT ?1",
  )
  const remove = sql.prepare("DELETE FROM session WHERE log = ?1 AND deleted_at IS NOT NULL")
  const listing = createSessionListing(sql)

  const now = (): string => new Date(clock.now()).toISOString()
  const find = (project: ProjectId, id: SessionId): SessionRecord | null => {
    const [row] = selectAlias.all(project, id)
    return row === undefined ? null : parseSession(row)
  }
  const findByLog = (log: LogId) => {
    const [row] = selectLog.all(log)
    return row === undefined ? null : { record: parseSession(row), deletedAt: textOrNull(row[6] ?? null) }
  }

  return {
    async insert(record) {
      await group.commit(() => {
        const { project, id, log, createdAt, updatedAt } = record
        if (find(project, id) !== null) {
          throw new AppError("id_taken", `The session ${id} exists. Choose another id.`, { details: { id } })
        }
        if (findByLog(log) !== null) {
          throw new AppError("conflict", `The log ${log} has a session. Choose another log.`)
        }
        insert.run(project, id, log, createdAt, updatedAt, ...projectSession(record))
      })
    },
    async find(project, id) {
      return find(project, id)
    },
    async findByLog(log) {
      return findByLog(log)
    },
    update(log, spec: SessionSpec) {
      return group.commit(() => {
        const known = findByLog(log)
        if (known === null || known.deletedAt !== null) return null
        const record = { ...known.record, spec, updatedAt: now() }
        setSpec.run(log, record.updatedAt, ...projectSession(record))
        return record
      })
    },
    async list(project, listOptions) {
      return listing(project, listOptions)
    },
    delete(project, id) {
      return group.commit(() => {
        const record = find(project, id)
        if (record === null) return null
        setDeleted.run(record.log, now())
        return record.log
      })
    },
    tombstones: {
      async list(limit) {
        return selectTombstones.all(limit).map((row) => textOf(row[0]) as LogId)
      },
      async bury(log) {
        await group.commit(() => remove.run(log))
      },
    },
  }
}
