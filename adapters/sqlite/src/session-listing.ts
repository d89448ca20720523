import { decodeListCursor, encodeListCursor, type SessionFilter, type SessionStore } from "@berth/core"
import type { SessionStatus } from "@berth/protocol"
import { parseSession, sessionColumns } from "./session-row.ts"
import { numberOf, textOf, type Sql, type SqlStatement, type SqlValue } from "./sql.ts"

type List = SessionStore["list"]

/** Pages by keyset: a page costs the same wherever it is. */
export function createSessionListing(
  sql: Sql,
): (project: Parameters<List>[0], options: Parameters<List>[1]) => Awaited<ReturnType<List>> {
  // One statement for each set of conditions in use; few, unless somebody plays with filters.
  const statements = new Map<string, SqlStatement>()
  const prepared = (text: string): SqlStatement => {
    const statement = statements.get(text) ?? sql.prepare(text)
    if (statements.size >= 64) statements.clear()
    statements.set(text, statement)
    return statement
  }

  return (project, { limit, cursor, filter = {} }) => {
    const where = filterConditions(filter)
    where.add("project = ?", project)
    where.add("deleted_at IS NULL")
    const [count] = prepared(`SELECT count(*) FROM session WHERE ${where.text()}`).all(...where.values)
    if (cursor !== undefined) {
      const { createdAt, id } = decodeListCursor(cursor)
      where.add("(created_at, id) < (?, ?)", createdAt, id)
    }
    const rows = prepared(
      `SELECT ${sessionColumns}, status,
         (SELECT head_seq FROM log WHERE name = session.log)
       FROM session WHERE ${where.text()} ORDER BY created_at DESC, id DESC LIMIT ?`,
    ).all(...where.values, limit + 1)
    const items = rows.slice(0, limit).map((row) => ({
      ...parseSession(row),
      status: textOf(row[6]) as SessionStatus,
      headSeq: row[7] === null ? 0 : numberOf(row[7]),
    }))
    const last = items.at(-1)
    const hasMore = rows.length > limit && last !== undefined
    return { items, total: numberOf(count?.[0]), nextCursor: hasMore ? encodeListCursor(last) : null }
  }
}

interface Conditions {
  readonly values: SqlValue[]
  add(condition: string, ...values: readonly SqlValue[]): void
  text(): string
}

function filterConditions(filter: SessionFilter): Conditions {
  const parts: string[] = []
  const values: SqlValue[] = []
  const conditions: Conditions = {
    values,
    add(condition, ...more) {
      parts.push(condition)
      values.push(...more)
    },
    text: () => parts.join(" AND "),
  }
  if (filter.status !== undefined) conditions.add("status = ?", filter.status)
  if (filter.agent !== undefined) conditions.add("agent = ?", filter.agent)
  if (filter.query !== undefined) conditions.add("instr(search, ?) > 0", filter.query.toLowerCase())
  for (const [key, value] of Object.entries(filter.metadata ?? {})) {
    conditions.add("EXISTS (SELECT 1 FROM json_each(labels) WHERE key = ? AND value = ?)", key, value)
  }
  return conditions
}
