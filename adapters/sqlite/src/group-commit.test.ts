import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AppError, isAppError } from "@berth/core"
import { afterEach, beforeEach, expect, test } from "vitest"
import { createGroupCommit, type GroupCommit } from "./group-commit.ts"
import { openDatabase, type Database } from "./node-database.ts"
import type { Sql, SqlStatement } from "./sql.ts"

let directory = ""
let database: Database
let group: GroupCommit
let insert: SqlStatement
let transactions = 0

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-group-"))
  database = openDatabase({ path: join(directory, "berth.db") })
  transactions = 0
  const sql: Sql = {
    ...database.sql,
    transaction(work) {
      transactions += 1
      return database.sql.transaction(work)
    },
  }
  sql.exec("CREATE TABLE a (b INTEGER PRIMARY KEY)")
  insert = sql.prepare("INSERT INTO a VALUES (?1)")
  group = createGroupCommit({ sql, schedule: setImmediate })
})

afterEach(() => {
  database.close()
  rmSync(directory, { recursive: true })
})

function stored(): readonly unknown[] {
  return database.sql
    .prepare("SELECT b FROM a ORDER BY b")
    .all()
    .map(([b]) => b)
}

test("operations of one turn share a transaction", async () => {
  const results = await Promise.all(
    [1, 2, 3].map((n) =>
      group.commit(() => {
        insert.run(n)
        return n * 10
      }),
    ),
  )
  expect([results, stored(), transactions]).toEqual([[10, 20, 30], [1, 2, 3], 1])
})

test("one that refuses fails alone, at no cost to the others", async () => {
  const refuse = () => {
    throw new AppError("conflict", "No.")
  }
  const results = await Promise.allSettled([
    group.commit(() => insert.run(1)),
    group.commit(refuse),
    group.commit(() => insert.run(2)),
  ])
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
  expect([stored(), transactions]).toEqual([[1, 2], 1])
})

test("one that breaks in the middle of its writes leaves none, and the others theirs", async () => {
  const results = await Promise.allSettled([
    group.commit(() => insert.run(1)),
    group.commit(() => {
      insert.run(2)
      insert.run(1)
    }),
    group.commit(() => {
      insert.run(3)
      throw new TypeError("a fault of ours")
    }),
    group.commit(() => insert.run(4)),
  ])
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"])
  const [, broken] = results
  expect(broken?.status === "rejected" && isAppError(broken.reason, "internal")).toBe(true)
  expect(stored()).toEqual([1, 4])
})

test("participants move with the transaction", async () => {
  const seen: string[] = []
  let mayFlush = false
  group.join({
    flush() {
      seen.push("flush")
      if (!mayFlush) throw new Error("cannot write")
    },
    committed: () => void seen.push("committed"),
    rolledBack: () => void seen.push("rolledBack"),
  })
  await expect(group.commit(() => insert.run(1))).rejects.toThrow("refused a write")
  mayFlush = true
  await group.commit(() => insert.run(2))
  expect(seen).toEqual(["flush", "rolledBack", "flush", "committed"])
  expect(stored()).toEqual([2])
})

test("a flood is written in groups, in order, with turns for others between them", async () => {
  const done: number[] = []
  const writes = Array.from({ length: 1_000 }, async (_, n) => {
    await group.commit(() => insert.run(n))
    done.push(n)
  })
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(done.length).toBeLessThan(1_000)
  await Promise.all(writes)
  expect(done).toEqual(done.toSorted((left, right) => left - right))
  expect([stored().length, transactions]).toEqual([1_000, 4])
})

test("what is asked for while a group is written is in the next", async () => {
  let inner: Promise<void> | undefined
  await group.commit(() => {
    insert.run(1)
    inner = group.commit(() => insert.run(2))
  })
  await inner
  expect([stored(), transactions]).toEqual([[1, 2], 2])
})
