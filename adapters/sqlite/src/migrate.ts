import { AppError } from "@berth/core"
import { numberOf, type Sql } from "./sql.ts"

/**
 * Brings one part of the schema up to date: step n leads from version n to n + 1, each in its own
 * transaction. The versions are a table because a Durable Object refuses `PRAGMA user_version`, and
 * because the log's tables stand alone there. `unsupported` when a newer Berth wrote the file.
 */
export function migrate(sql: Sql, part: string, steps: readonly string[]): void {
  sql.exec("CREATE TABLE IF NOT EXISTS schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL)")
  const [row] = sql.prepare("SELECT version FROM schema_version WHERE part = ?1").all(part)
  const version = row === undefined ? 0 : numberOf(row[0])
  if (version > steps.length) {
    throw new AppError("unsupported", "A newer Berth wrote this data directory. Start that version.", {
      details: { part, version, known: steps.length },
    })
  }
  const setVersion = sql.prepare(
    "INSERT INTO schema_version VALUES (?1, ?2) ON CONFLICT (part) DO UPDATE SET version = ?2",
  )
  for (const [index, step] of steps.entries()) {
    if (index < version) continue
    sql.transaction(() => {
      sql.exec(step)
      setVersion.run(part, index + 1)
    })
  }
}
