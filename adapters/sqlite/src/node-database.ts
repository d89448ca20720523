import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { AppError } from "@berth/core"
import type { Sql, SqlRow, SqlStatement } from "./sql.ts"

export interface Database {
  readonly sql: Sql
  /** Gives the lock back. Statements fail from then on. */
  close(): void
}

/**
 * Opens, and makes when absent, the database file of a data directory for this process alone. The
 * lock is SQLite's own on the file: it ends with the process however that ends, and children do not
 * inherit it. `conflict` (details `{pid}` where known) while another process has it. Nothing else in
 * this process may open and close the file: that would drop the lock.
 *
 * Every commit is synced before it returns (WAL, `synchronous=FULL`; docs/decisions/0002).
 */
export function openDatabase(options: { readonly path: string }): Database {
  const { path } = options
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  createPrivateFile(path)
  const database = new DatabaseSync(path)
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    database.exec("BEGIN EXCLUSIVE; COMMIT")
  } catch (error) {
    database.close()
    throw isLocked(error) ? inUse(path, error) : error
  }
  writeFileSync(pidPath(path), `${process.pid}\n`)
  database.exec(
    "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 2000",
  )
  return {
    sql: createNodeSql(database),
    close() {
      rmSync(pidPath(path), { force: true })
      database.close()
    },
  }
}

/**
 * Transcripts and keys: nobody else on this host reads them. SQLite gives its other files the same
 * mode. A file that exists is not opened here, since closing it could drop a lock of this process.
 */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST"
    if (!isThere) throw error
  }
}

function createNodeSql(database: DatabaseSync): Sql {
  const begin = database.prepare("BEGIN IMMEDIATE")
  const commit = database.prepare("COMMIT")
  return {
    prepare(text): SqlStatement {
      const statement = database.prepare(text)
      statement.setReturnArrays(true)
      return {
        run: (...values) => void statement.run(...values),
        // Declared as records, but arrays since setReturnArrays; the schema holds text and numbers.
        all: (...values) => statement.all(...values) as unknown as readonly SqlRow[],
      }
    },
    exec(text) {
      database.exec(text)
    },
    transaction(work) {
      begin.run()
      try {
        const result = work()
        commit.run()
        return result
      } catch (error) {
        // A full disk makes SQLite roll back by itself.
        if (database.isTransaction) database.exec("ROLLBACK")
        throw error
      }
    },
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5
}

function inUse(path: string, cause: unknown): AppError {
  const pid = readPid(path)
  const owner = pid === null ? "another process" : `process ${pid}`
  return new AppError(
    "conflict",
    `The data directory ${dirname(path)} is in use by ${owner}. Stop it, or choose another directory.`,
    { cause, ...(pid === null ? {} : { details: { pid } }) },
  )
}

/** Only words for the error: the lock itself never asks this file. */
function readPid(path: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(pidPath(path), "utf8"), 10)
    process.kill(pid, 0)
    return pid
  } catch {
    return null
  }
}

function pidPath(path: string): string {
  return `${path}.pid`
}
