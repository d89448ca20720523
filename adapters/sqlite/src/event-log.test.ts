import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { emptyHead, newLogId, said } from "@berth/conformance"
import type { LogId } from "@berth/protocol"
import { afterEach, beforeEach, expect, test } from "vitest"
import { createSqliteLog } from "./create-sqlite-stores.ts"
import { openDatabase, type Database } from "./node-database.ts"
import type { SqlValue } from "./sql.ts"

const clock = { now: Date.now, sleep: async () => {} }
let directory = ""
let database: Database

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-log-"))
  database = openDatabase({ path: join(directory, "berth.db") })
})

afterEach(() => {
  database.close()
  rmSync(directory, { recursive: true })
})

function rows(table: string): unknown {
  return database.sql.prepare(`SELECT count(*) FROM ${table}`).all()[0]?.[0]
}

async function filled(count: number) {
  const { log, leases } = createSqliteLog({ sql: database.sql, clock, schedule: setImmediate })
  const id = newLogId()
  await log.create(id, emptyHead())
  const { epoch } = await leases.claim(id, "runner", 60_000)
  await log.append(
    id,
    epoch,
    Array.from({ length: count }, () => said("x")),
  )
  return { log, leases, id, epoch }
}

test("erase and archive leave no rows behind, however many there were", async () => {
  const { log, id } = await filled(12_000)
  await log.submit(id, { key: "k", entries: [said("x")], once: "n" })
  await log.archive(id, 7_000)
  expect(rows("entry")).toBe(5_001)
  await log.close(id, { erase: true })
  expect([rows("entry"), rows("submit_key"), rows("once"), rows("source")]).toEqual([0, 0, 0, 0])
})

test("rows that a crash left in the middle of an erase go with the next one", async () => {
  const { log, id } = await filled(6_000)
  database.sql.exec("UPDATE log SET trimmed_to = head_seq, is_closed = 1")
  const again = createSqliteLog({ sql: database.sql, clock, schedule: setImmediate })
  expect((await again.log.read(id, 0, 10)).entries).toEqual([])
  await again.log.close(id, { erase: true })
  expect(rows("entry")).toBe(0)
  await log.close(id)
})

test("more logs than are kept in memory are all served", async () => {
  const { log, leases } = createSqliteLog({ sql: database.sql, clock, schedule: setImmediate })
  const ids: readonly LogId[] = Array.from({ length: 5_000 }, newLogId)
  await Promise.all(ids.map((id) => log.create(id, emptyHead())))
  await Promise.all(ids.map((id) => leases.claim(id, "runner", 60_000)))
  await Promise.all(ids.map((id) => log.append(id, 1, [said(id)])))
  for (const id of ids) {
    const { entries, headSeq } = await log.read(id, 0, 10)
    expect([entries.length, headSeq]).toEqual([1, 1])
    expect(entries[0]?.text).toContain(id)
  }
})

test("a thousand readers woken at once ask the database nothing", async () => {
  let queries = 0
  const sql = {
    ...database.sql,
    prepare(text: string) {
      const statement = database.sql.prepare(text)
      const isRead = text.startsWith("SELECT text FROM entry")
      return {
        ...statement,
        all: (...values: readonly SqlValue[]) => {
          if (isRead) queries += 1
          return statement.all(...values)
        },
      }
    },
  }
  const { log, leases } = createSqliteLog({ sql, clock, schedule: setImmediate })
  const id = newLogId()
  await log.create(id, emptyHead())
  const { epoch } = await leases.claim(id, "runner", 60_000)
  const abort = new AbortController()
  let seen = 0
  const readers = Array.from({ length: 1_000 }, async () => {
    for await (const page of log.tail(id, 0, abort)) seen += page.entries.length
  })
  for (let index = 0; index < 20; index += 1) await log.append(id, epoch, [said("x"), said("y")])
  await expect.poll(() => seen, { timeout: 5_000 }).toBe(40_000)
  abort.abort()
  await Promise.all(readers)
  expect(queries).toBe(0)
})
