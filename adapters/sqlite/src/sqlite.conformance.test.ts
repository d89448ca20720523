import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { eventLogSuite, keyStoreSuite, leaseStoreSuite, sessionStoreSuite } from "@berth/conformance"
import { createSqliteStores } from "./create-sqlite-stores.ts"
import { openDatabase, type Database } from "./node-database.ts"
import { importSecretsKey } from "./seal-secret.ts"

async function open() {
  const directory = mkdtempSync(join(tmpdir(), "berth-sqlite-"))
  const secretsKey = await importSecretsKey(new Uint8Array(32))
  let offset = 0
  let count = 0
  const clock = { now: () => Date.now() + offset, sleep: async () => {} }
  const ids = { next: () => String((count += 1)).padStart(26, "0") }
  let database: Database
  const stores = () => {
    database = openDatabase({ path: join(directory, "berth.db") })
    return createSqliteStores({ sql: database.sql, clock, ids, secretsKey, schedule: setImmediate })
  }
  return {
    ...stores(),
    advance: async (ms: number) => void (offset += ms),
    reopen: async () => {
      database.close()
      return stores()
    },
    close: async () => {
      database.close()
      rmSync(directory, { recursive: true })
    },
  }
}

eventLogSuite("sqlite", open)
leaseStoreSuite("sqlite", open)
sessionStoreSuite("sqlite", open)
keyStoreSuite("sqlite", open)
