import { appendFile, mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Logger } from "@berth/core"
import { afterEach, beforeEach, expect, test } from "vitest"
import { waitFor } from "../testing/wait-for.test-support.ts"
import type { Report } from "./report.ts"
import { openSpool, type OpenCall, type Spool } from "./spool.ts"

let folder: string
let path: string
let errors: unknown[]
let spool: Spool

const quiet = (): void => undefined
const logger: Logger = { debug: quiet, info: quiet, warn: quiet, error: (fields) => errors.push(fields) }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spool-"))
  path = join(folder, "reports.ndjson")
  errors = []
  spool = await openSpool(path, logger)
})

afterEach(async () => {
  await spool.close()
  await rm(folder, { recursive: true, force: true })
})

async function reopen(): Promise<void> {
  await spool.close()
  spool = await openSpool(path, logger)
}

function cut(id: string, reason = "it broke"): Report {
  return {
    id,
    logId: "log",
    generation: 1,
    at: "",
    type: "model_stream_cut",
    callId: "",
    upstream: "",
    reason,
  }
}

function usage(id: string, logId: string, tokens: number): Report {
  const base = { id, logId, generation: 1, at: "", type: "usage" as const, callId: id, upstream: "a" }
  return { ...base, usage: {}, isEstimate: false, spent: { tokens, usd: tokens / 10 } }
}

const call: OpenCall = {
  callId: "call",
  logId: "log",
  generation: 1,
  upstream: "a",
  model: null,
  reserved: null,
}

const ids = (): readonly string[] => spool.next().map(({ id }) => id)

test("keeps order over a restart, and forgets what was accepted", async () => {
  await Promise.all(["a", "b", "c"].map((id) => spool.add([cut(id)], null)))
  spool.accept(["b", "unknown"])
  expect(ids()).toEqual(["a", "c"])
  await reopen()
  expect(ids()).toEqual(["a", "c"])
  spool.accept(["a", "c"])
  expect([spool.pendingCount, spool.pendingBytes]).toEqual([0, 0])
  await reopen()
  expect(ids()).toEqual([])
})

test("knows the calls that were open, and not those that were closed", async () => {
  await spool.openCall(call)
  await spool.openCall({ ...call, callId: "closed" })
  await spool.add([cut("x")], "closed")
  await reopen()
  expect(spool.orphans).toEqual([call])
  await spool.add([], "call")
  await reopen()
  expect(spool.orphans).toEqual([])
})

test("a line that was torn by a crash is left out, and the next one is whole", async () => {
  await spool.add([cut("a")], null)
  await spool.close()
  await appendFile(path, `{"add":[{"id":"to`)
  spool = await openSpool(path, logger)
  await spool.add([cut("b")], null)
  await reopen()
  expect(ids()).toEqual(["a", "b"])
  expect(errors).toEqual([])
})

test("the file stays small however much passes through it", async () => {
  await spool.add([cut("kept")], null)
  for (let count = 0; count < 40; count++) {
    await spool.add([cut(`large-${count}`, "x".repeat(100_000))], null)
    spool.accept([`large-${count}`])
  }
  await spool.add([cut("last")], null)
  expect((await stat(path)).size).toBeLessThan(2_000_000)
  await reopen()
  expect(ids()).toEqual(["kept", "last"])
  expect((await stat(path)).size).toBeLessThan(1_000)
})

test("batches are bounded by count and size, and never empty", async () => {
  await spool.add(
    Array.from({ length: 600 }, (_, index) => cut(`small-${index}`)),
    null,
  )
  expect(ids()).toHaveLength(500)
  spool.accept(ids())
  spool.accept(ids())
  await spool.add([cut("huge", "x".repeat(700_000)), cut("after")], null)
  expect(ids()).toEqual(["huge"])
})

test("tells the highest sum of a log that has not been delivered", async () => {
  await spool.add([usage("1", "log", 30), usage("2", "log", 20), usage("3", "other", 90)], null)
  expect(spool.pendingSpent("log")).toEqual({ tokens: 30, usd: 3 })
  spool.accept(["1"])
  expect(spool.pendingSpent("log")).toEqual({ tokens: 20, usd: 2 })
  expect(spool.pendingSpent("none")).toEqual({ tokens: 0, usd: 0 })
})

test("a report that cannot be written is told, and still pending", async () => {
  await spool.close()
  await spool.add([cut("a")], null)
  expect(ids()).toEqual(["a"])
  await expect(spool.openCall(call)).rejects.toThrow(/closed|EBADF/)
  await waitFor("the error", () => errors.length === 1)
})
