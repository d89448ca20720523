import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { migrate } from "./migrate.ts"
import { openDatabase, type Database } from "./node-database.ts"

let directory = ""
let database: Database

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-migrate-"))
  database = openDatabase({ path: join(directory, "berth.db") })
})

afterEach(() => {
  database.close()
  rmSync(directory, { recursive: true })
})

const steps = ["CREATE TABLE a (b INTEGER)", "ALTER TABLE a ADD COLUMN c TEXT; INSERT INTO a VALUES (1, 'x')"]

test("steps run once each, in order, also when some ran before", () => {
  const { sql } = database
  migrate(sql, "part", steps.slice(0, 1))
  migrate(sql, "part", steps)
  migrate(sql, "part", steps)
  expect(sql.prepare("SELECT b, c FROM a").all()).toEqual([[1, "x"]])
})

test("parts count apart", () => {
  const { sql } = database
  migrate(sql, "one", ["CREATE TABLE one (a)"])
  migrate(sql, "two", ["CREATE TABLE two (a)"])
  expect(sql.prepare("SELECT part, version FROM schema_version ORDER BY part").all()).toEqual([
    ["one", 1],
    ["two", 1],
  ])
})

test("a step that fails leaves nothing of itself", () => {
  const { sql } = database
  expect(() => migrate(sql, "part", ["CREATE TABLE a (b)", "CREATE TABLE c (d); nonsense"])).toThrow(
    "nonsense",
  )
  expect(sql.prepare("SELECT version FROM schema_version").all()).toEqual([[1]])
  migrate(sql, "part", ["CREATE TABLE a (b)", "CREATE TABLE c (d)"])
})

test("data of a newer version is refused", () => {
  migrate(database.sql, "part", steps)
  expect(() => migrate(database.sql, "part", steps.slice(0, 1))).toThrow("A newer Berth wrote")
})
