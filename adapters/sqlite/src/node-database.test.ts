import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isAppError, type AppError } from "@berth/core"
import { afterEach, beforeEach, expect, test } from "vitest"
import { openDatabase } from "./node-database.ts"

let directory = ""
let path = ""

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-lock-"))
  path = join(directory, "data", "berth.db")
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

function refused(): AppError {
  try {
    openDatabase({ path }).close()
  } catch (error) {
    if (isAppError(error, "conflict")) return error
    throw error
  }
  throw new Error("the database opened")
}

/** A process that holds the database until it is killed. */
async function holder() {
  const script = `
    const { openDatabase } = await import(${JSON.stringify(join(import.meta.dirname, "node-database.ts"))})
    openDatabase({ path: ${JSON.stringify(path)} })
    console.log("open")
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  await once(child.stdout, "data")
  return child
}

test("a second process is refused, told whose it is, and let in when that one is killed", async () => {
  const child = await holder()
  const error = refused()
  expect(error.message).toContain(`in use by process ${child.pid}`)
  expect(error.details).toEqual({ pid: child.pid })
  child.kill("SIGKILL")
  await once(child, "exit")
  // Its pid file is still there: it decides nothing.
  expect(readFileSync(`${path}.pid`, "utf8")).toBe(`${child.pid}\n`)
  const database = openDatabase({ path })
  expect(readFileSync(`${path}.pid`, "utf8")).toBe(`${process.pid}\n`)
  database.close()
  expect(existsSync(`${path}.pid`)).toBe(false)
})

test("a second opening in the same process is refused", () => {
  const database = openDatabase({ path })
  expect(refused().details).toEqual({ pid: process.pid })
  database.close()
  openDatabase({ path }).close()
})

test("a lock without a pid file holds all the same", () => {
  const database = openDatabase({ path })
  for (const text of [null, "", "no number", "999999999"]) {
    rmSync(`${path}.pid`, { force: true })
    if (text !== null) writeFileSync(`${path}.pid`, text)
    const error = refused()
    expect(error.message).toContain("in use by another process")
    expect(error.details).toBeUndefined()
  }
  database.close()
})

test("nobody else on the host reads the data", () => {
  const database = openDatabase({ path })
  expect(statSync(join(directory, "data")).mode & 0o777).toBe(0o700)
  database.sql.exec("CREATE TABLE a (b)")
  for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600)
  database.close()
})

test("every commit is synced", () => {
  const { sql, close } = openDatabase({ path })
  const pragma = (name: string) => sql.prepare(`PRAGMA ${name}`).all()[0]?.[0]
  expect([pragma("journal_mode"), pragma("synchronous"), pragma("locking_mode")]).toEqual([
    "wal",
    2,
    "exclusive",
  ])
  close()
})

test("what is no database is not taken for one", () => {
  openDatabase({ path }).close()
  writeFileSync(path, "this is a text ".repeat(1_000))
  expect(() => openDatabase({ path })).toThrow("file is not a database")
})

test("a transaction that throws leaves nothing", () => {
  const { sql, close } = openDatabase({ path })
  sql.exec("CREATE TABLE a (b INTEGER)")
  const insert = sql.prepare("INSERT INTO a VALUES (?1)")
  const fail = () =>
    sql.transaction(() => {
      insert.run(1)
      throw new Error("after all")
    })
  expect(fail).toThrow("after all")
  expect(sql.prepare("SELECT count(*) FROM a").all()).toEqual([[0]])
  expect(sql.transaction(() => insert.run(2))).toBeUndefined()
  expect(sql.prepare("SELECT b FROM a").all()).toEqual([[2]])
  close()
})
