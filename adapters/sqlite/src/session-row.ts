import { agentNameOf, labelsOf, searchTextOf, type SessionRecord, type SessionSpec } from "@berth/core"
import type { LogId, ProjectId, SessionId } from "@berth/protocol"
import { textOf, type SqlRow } from "./sql.ts"

export const sessionColumns = "project, id, log, created_at, updated_at, spec"

/** Of a row that begins with `sessionColumns`. */
export function parseSession(row: SqlRow): SessionRecord {
  return {
    project: textOf(row[0]) as ProjectId,
    id: textOf(row[1]) as SessionId,
    log: textOf(row[2]) as LogId,
    createdAt: textOf(row[3]),
    updatedAt: textOf(row[4]),
    spec: JSON.parse(textOf(row[5])) as SessionSpec,
  }
}

/** The columns agent, search, labels, spec. */
export function projectSession(record: SessionRecord): readonly (string | null)[] {
  return [
    agentNameOf(record),
    searchTextOf(record),
    JSON.stringify(labelsOf(record)),
    JSON.stringify(record.spec),
  ]
}
