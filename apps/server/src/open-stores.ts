import { setImmediate as soon } from "node:timers"
import type { Clock, EventLog, Ids, KeyStore, LeaseStore, SessionStore } from "@berth/core"
import { createFilesystemBlobStore, type FilesystemBlobStore } from "@berth/filesystem"
import { createSqliteStores, importSecretsKey, openDatabase } from "@berth/sqlite"
import type { DataDirectory } from "./data-directory.ts"
import { deriveKey } from "./derive-key.ts"

export interface Stores {
  readonly eventLog: EventLog
  readonly leaseStore: LeaseStore
  readonly sessionStore: SessionStore
  readonly keyStore: KeyStore
  readonly blobStore: FilesystemBlobStore
  close(): void
}

/** SQLite and files below one data directory. `conflict` when another server uses it. */
export async function openStores(data: DataDirectory, clock: Clock, ids: Ids): Promise<Stores> {
  const database = openDatabase({ path: data.database })
  const { log, leases, sessions, keys } = createSqliteStores({
    sql: database.sql,
    clock,
    ids,
    schedule: (work) => void soon(work),
    secretsKey: await importSecretsKey(deriveKey(data.secret, "secrets")),
  })
  return {
    eventLog: log,
    leaseStore: leases,
    sessionStore: sessions,
    keyStore: keys,
    blobStore: await createFilesystemBlobStore({ directory: data.blobs, clock }),
    close: () => database.close(),
  }
}
