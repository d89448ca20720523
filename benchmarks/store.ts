import { mkdtempSync, rmSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { createHead, type NewEntry, type SessionRecord } from "@berth/core"
import type { LogId, ProjectId, SessionId } from "@berth/protocol"
import { createSqliteStores, importSecretsKey, openDatabase, type SqliteStores } from "@berth/sqlite"
import { median, quantile } from "./load/statistics.ts"

/** The SQLite stores alone, in this process: `node benchmarks/store.ts`. Every write is synced. */

const project = "default" as ProjectId
const writers = 32
let made = 0

function newId(): string {
  made += 1
  return made.toString(36).padStart(26, "0")
}

/** About 300 bytes as stored. */
const entry: NewEntry = {
  origin: "sandbox",
  body: {
    type: "notification",
    notification: {
      jsonrpc: "2.0",
      method: "session/update",
      params: {
        sessionId: "sess-1",
        update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: "x".repeat(50) } },
      },
    },
  },
}

interface Bench extends SqliteStores {
  close(): void
}

async function openStores(): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), "berth-bench-"))
  const database = openDatabase({ path: join(directory, "berth.db") })
  const stores = createSqliteStores({
    sql: database.sql,
    clock: { now: Date.now, sleep: () => Promise.resolve() },
    ids: { next: newId },
    secretsKey: await importSecretsKey(new Uint8Array(32)),
    schedule: setImmediate,
  })
  return {
    ...stores,
    close() {
      database.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** A log whose epoch is 1, with `count` entries. */
async function openLog({ log, leases }: SqliteStores, count = 0): Promise<LogId> {
  const id = `log_${newId()}` as LogId
  await log.create(id, createHead("sess-1" as SessionId))
  await leases.claim(id, "bench", 3_600_000)
  for (let left = count; left > 0; left -= 1_000) {
    await log.append(id, 1, Array<NewEntry>(Math.min(left, 1_000)).fill(entry))
  }
  return id
}

async function appendsPerSecond(
  { log }: SqliteStores,
  logs: readonly LogId[],
  total: number,
): Promise<number> {
  let left = total
  const started = performance.now()
  const write = async (writer: number): Promise<void> => {
    const id = logs[writer % logs.length]
    if (id === undefined) return
    while (left > 0) {
      left -= 1
      await log.append(id, 1, [entry])
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  return (total / (performance.now() - started)) * 1_000
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

async function repeat(times: number, work: () => Promise<unknown>): Promise<readonly number[]> {
  const values: number[] = []
  for (let index = 0; index < times; index += 1) values.push(await timed(work))
  return values
}

async function replay({ log }: SqliteStores, id: LogId, count: number): Promise<void> {
  for (let after = 0; after < count; after += 1_000) await log.read(id, after, 1_000)
}

/** From the append until each of `count` tails has yielded it. */
async function wakeTails({ log }: SqliteStores, id: LogId, count: number): Promise<readonly number[]> {
  const abort = new AbortController()
  let waiting = 0
  let done = (): void => {}
  const headSeq = (await log.read(id, 0, 1)).headSeq
  const tails = Array.from({ length: count }, async () => {
    for await (const page of log.tail(id, headSeq, abort)) {
      waiting -= page.entries.length
      if (waiting === 0) done()
    }
  })
  const values = await repeat(50, () => {
    waiting = count
    const woken = new Promise<void>((resolve) => (done = resolve))
    return Promise.all([log.append(id, 1, [entry]), woken])
  })
  abort.abort()
  await Promise.all(tails)
  return values
}

async function growth(): Promise<void> {
  const empty = await openStores()
  const small = await openLog(empty, 100)
  const full = await openStores()
  const fillMs = await timed(async () => {
    for (let index = 0; index < 5_000; index += 1) await openLog(full, 20)
  })
  const large = await openLog(full, 1_000_000)
  for (let index = 0; index < 5_000; index += 1) await openLog(full, 20)
  const sides = [
    { stores: empty, id: small, append: [] as number[], read: [] as number[] },
    { stores: full, id: large, append: [] as number[], read: [] as number[] },
  ]
  // Turn and turn about, so that the machine's moods fall on both.
  for (let round = 0; round < 3_000; round += 1) {
    for (const { stores, id, append, read } of sides) {
      append.push(await timed(() => stores.log.append(id, 1, [entry])))
      const { headSeq } = await stores.log.state(id)
      read.push(await timed(() => stores.log.read(id, headSeq - 100, 100)))
    }
  }
  const [one, two] = sides
  if (one === undefined || two === undefined) throw new Error("two sides")
  for (const what of ["append", "read"] as const) {
    const [before, after] = [median(one[what]), median(two[what])]
    console.log(
      `growth, ${what}: ${before.toFixed(3)} ms empty, ${after.toFixed(3)} ms among 10,000 logs with 1,000,000 entries: ${(after / before).toFixed(2)} ×`,
    )
  }
  console.log(`(5,000 logs made in ${(fillMs / 1_000).toFixed(1)} s)`)
  empty.close()
  full.close()
}

async function listing(): Promise<void> {
  const stores = await openStores()
  const records = Array.from({ length: 10_000 }, (_, index): SessionRecord => {
    const createdAt = new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString()
    return {
      project,
      id: `sess-${index}` as SessionId,
      log: `log_${newId()}` as LogId,
      createdAt,
      updatedAt: createdAt,
      spec: {
        agent: index % 2 === 0 ? "shell" : "claude",
        model: null,
        mode: null,
        instructions: "Be kind. ".repeat(100),
        permissions: "ask",
        trustWorkspace: false,
        network: "none",
        budget: null,
        idleTimeoutMs: 1,
        permissionHoldMs: 1,
        title: `Session ${index}`,
        metadata: { team: `team-${index % 10}` },
        envNames: [],
        limits: { memoryMib: 1, cpu: 1, pids: 1, diskMib: 1 },
      },
    }
  })
  await Promise.all(records.map((record) => stores.log.create(record.log, createHead(record.id))))
  await Promise.all(records.map((record) => stores.sessions.insert(record)))
  const filters = {
    "no filter": {},
    status: { status: "created" },
    agent: { agent: "claude" },
    query: { query: "session 77" },
    metadata: { metadata: { team: "team-3" } },
  } as const
  for (const [name, filter] of Object.entries(filters)) {
    const values = await repeat(30, () => stores.sessions.list(project, { limit: 100, filter }))
    console.log(`page of 100 of 10,000 sessions, ${name}: ${median(values).toFixed(2)} ms`)
  }
  stores.close()
}

async function main(): Promise<void> {
  console.log(`${cpus()[0]?.model ?? "unknown"} × ${cpus().length}, Node ${process.version}`)
  const stores = await openStores()
  const one = await openLog(stores)
  const many = await Promise.all(Array.from({ length: writers }, () => openLog(stores)))
  for (const [name, logs] of [
    ["one log", [one]],
    ["a log each", many],
  ] as const) {
    const rates: number[] = []
    for (let round = 0; round < 5; round += 1) rates.push(await appendsPerSecond(stores, logs, 20_000))
    console.log(`durable appends/s, ${writers} writers, ${name}: ${Math.round(median(rates))}`)
  }
  const single = await repeat(3_000, () => stores.log.append(one, 1, [entry]))
  console.log(
    `single append: p50 ${median(single).toFixed(3)} ms, p99 ${quantile(single, 0.99).toFixed(3)} ms`,
  )

  const long = await openLog(stores, 100_000)
  const first = await timed(() => replay(stores, long, 100_000))
  const again = await repeat(5, () => replay(stores, long, 100_000))
  console.log(`read of 100,000 entries: first ${first.toFixed(0)} ms, p50 ${median(again).toFixed(0)} ms`)

  for (const count of [1, 1_000]) {
    const values = await wakeTails(stores, one, count)
    console.log(`append until ${count} tails have it: p50 ${median(values).toFixed(2)} ms`)
  }
  stores.close()
  await listing()
  await growth()
}

await main()
