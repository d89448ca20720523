import type { Clock, EventLog, Ids, KeyStore, LeaseStore, LogArchive, SessionStore } from "@berth/core"
import { createSqliteEventLog } from "./event-log.ts"
import { createGroupCommit } from "./group-commit.ts"
import { createSqliteKeyStore } from "./key-store.ts"
import { createSqliteLeaseStore } from "./lease-store.ts"
import { createLogStore } from "./log-store.ts"
import { migrate } from "./migrate.ts"
import { storeSchema } from "./schema.ts"
import { createSqliteSessionStore } from "./session-store.ts"
import type { Sql } from "./sql.ts"

export interface SqliteStores extends SqliteLog {
  readonly sessions: SessionStore
  readonly keys: KeyStore
}

export interface SqliteLog {
  readonly log: EventLog & LogArchive
  readonly leases: LeaseStore
}

interface LogOptions {
  readonly sql: Sql
  readonly clock: Clock
  /** Runs its argument after the events at hand: `setImmediate` on Node, `queueMicrotask` elsewhere. */
  readonly schedule: (work: () => void) => void
}

/** Log and leases alone: what a Durable Object needs. One call per database. */
export function createSqliteLog(options: LogOptions): SqliteLog {
  const store = createLogStore({ ...options, group: createGroupCommit(options) })
  return { log: createSqliteEventLog(store), leases: createSqliteLeaseStore(store) }
}

/** All stores of one host over one database. One call per database; the caller closes it. */
export function createSqliteStores(
  options: LogOptions & { readonly ids: Ids; readonly secretsKey: CryptoKey },
): SqliteStores {
  const group = createGroupCommit(options)
  const shared = { ...options, group }
  const store = createLogStore(shared)
  migrate(options.sql, "store", storeSchema)
  return {
    log: createSqliteEventLog(store),
    leases: createSqliteLeaseStore(store),
    sessions: createSqliteSessionStore(shared),
    keys: createSqliteKeyStore(shared),
  }
}
