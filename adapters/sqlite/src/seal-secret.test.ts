import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isAppError } from "@berth/core"
import { expect, test } from "vitest"
import { createSqliteStores } from "./create-sqlite-stores.ts"
import { openDatabase } from "./node-database.ts"
import { importSecretsKey, openSecret, sealSecret } from "./seal-secret.ts"

const key = await importSecretsKey(new Uint8Array(32))
const clock = { now: Date.now, sleep: async () => {} }
const ids = { next: () => crypto.randomUUID() }

test("a secret opens where it was sealed, and nowhere else", async () => {
  const sealed = await sealSecret(key, "session/1\0TOKEN", "hush")
  expect(await openSecret(key, "session/1\0TOKEN", sealed)).toBe("hush")
  expect(await sealSecret(key, "session/1\0TOKEN", "hush")).not.toBe(sealed)
  await expect(openSecret(key, "session/2\0TOKEN", sealed)).rejects.toThrow("operation")
  const other = await importSecretsKey(new Uint8Array(32).fill(1))
  await expect(openSecret(other, "session/1\0TOKEN", sealed)).rejects.toThrow("operation")
})

test("no secret is on the disk, and with another key none is read", async () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-secret-"))
  const path = join(directory, "berth.db")
  const open = (secretsKey: CryptoKey) => {
    const database = openDatabase({ path })
    const stores = createSqliteStores({ sql: database.sql, clock, ids, secretsKey, schedule: setImmediate })
    return { database, ...stores }
  }
  const first = open(key)
  const { secret } = await first.keys.createKey({ name: "a", project: null })
  await first.keys.createKey({ name: "b", project: null, secret: "bootstrap-in-clear" })
  await first.keys.putSecrets("session/1", { TOKEN: "value-in-clear" })
  for (const name of readdirSync(directory)) {
    const content = readFileSync(join(directory, name), "latin1")
    for (const text of [secret, "bootstrap-in-clear", "value-in-clear"]) expect(content).not.toContain(text)
  }
  // Reading the file has given the lock back (POSIX): only a closed database is opened again.
  first.database.close()
  const second = open(await importSecretsKey(new Uint8Array(32).fill(1)))
  const error = await second.keys.getSecrets("session/1").catch((reason: unknown) => reason)
  expect(isAppError(error, "internal")).toBe(true)
  second.database.close()
  rmSync(directory, { recursive: true })
})
