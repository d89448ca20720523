import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { newLogId, readAll, said, saidText } from "@berth/conformance"
import { decodeEntry, isAppError } from "@berth/core"
import type { LogId } from "@berth/protocol"
import { expect, test } from "vitest"
import { createSqliteLog } from "./create-sqlite-stores.ts"
import { openDatabase } from "./node-database.ts"

const kills = 20
const clock = { now: Date.now, sleep: async () => {} }

/** What the writers were told in all their lives. */
interface Acknowledged {
  /** Text at each seq, from appends and submits. */
  readonly texts: Map<number, string>
  readonly keys: Map<string, number>
  readonly names: Map<string, number>
  readonly lastN: Map<number, number>
  readSeq: number
}

/** One life: killed after about `lines` acknowledgements. */
async function live(path: string, id: LogId, lines: number, told: Acknowledged): Promise<void> {
  const script = join(import.meta.dirname, "crash-writer.test-support.ts")
  const child = spawn(process.execPath, [script, path, id], { stdio: ["ignore", "pipe", "inherit"] })
  const exited = once(child, "exit")
  let count = 0
  for await (const line of createInterface({ input: child.stdout })) {
    count += 1
    if (count === lines) child.kill("SIGKILL")
    record(line.split(" "), told)
  }
  expect(await exited).toEqual([null, "SIGKILL"])
}

function record([kind, seqText, name = "", n = ""]: readonly string[], told: Acknowledged): void {
  const seq = Number(seqText)
  if (kind === "r") told.readSeq = Math.max(told.readSeq, seq)
  if (kind === "s" || kind === "o") told.texts.set(seq, name)
  if (kind === "s") {
    // A key of an earlier life has to answer as it did then.
    expect(told.keys.get(name) ?? seq).toBe(seq)
    told.keys.set(name, seq)
  }
  if (kind === "o") {
    expect(told.names.get(name) ?? seq).toBe(seq)
    told.names.set(name, seq)
  }
  if (kind === "a") {
    told.texts.set(seq, `${name}/${n}`)
    told.lastN.set(Number(name), Number(n))
  }
}

async function verify(path: string, id: LogId, told: Acknowledged): Promise<number> {
  const database = openDatabase({ path })
  const stores = createSqliteLog({ sql: database.sql, clock, schedule: setImmediate })
  const { log } = stores
  const entries = (await readAll(stores, id)).map(({ text }) => decodeEntry(text))
  const { headSeq, lastN } = await log.state(id)
  expect(entries).toHaveLength(headSeq)
  expect(headSeq).toBeGreaterThanOrEqual(told.readSeq)

  const ofSource = new Map<number, number>()
  const seen = new Set<string>()
  for (const [index, entry] of entries.entries()) {
    const text = saidText(entry) ?? ""
    const acknowledged = told.texts.get(index + 1)
    if (entry.seq !== index + 1 || (acknowledged ?? text) !== text || seen.has(text)) {
      throw new Error(`entry ${index + 1} is ${entry.seq} "${text}", acknowledged as "${acknowledged}"`)
    }
    seen.add(text)
    const [, generation, n] = /^(\d+)\/(\d+)$/.exec(text) ?? []
    if (generation === undefined) continue
    expect(Number(n)).toBe((ofSource.get(Number(generation)) ?? 0) + 1)
    ofSource.set(Number(generation), Number(n))
  }
  expect(lastN).toEqual(Object.fromEntries(ofSource))
  for (const [generation, n] of told.lastN) expect(lastN[generation]).toBeGreaterThanOrEqual(n)
  for (const [key, seq] of told.keys) {
    expect(await log.submit(id, { key, entries: [said("again")] })).toEqual({ seq, isNew: false })
  }
  for (const [answer, seq] of told.names) {
    const lost: unknown = await log
      .submit(id, { key: `late/${answer}`, entries: [said("late")], once: answer })
      .catch((error: unknown) => error)
    expect(isAppError(lost, "already_answered") && lost.details).toEqual({ seq })
  }
  database.close()
  return headSeq
}

test(`${kills} kills in the middle of many writes lose and double nothing`, async () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-crash-"))
  const path = join(directory, "berth.db")
  const id = newLogId()
  const told: Acknowledged = {
    texts: new Map(),
    keys: new Map(),
    names: new Map(),
    lastN: new Map(),
    readSeq: 0,
  }
  let headSeq = 0
  for (let round = 0; round < kills; round += 1) {
    await live(path, id, 1 + Math.floor(Math.random() * 3_000), told)
    const grown = await verify(path, id, told)
    expect(grown).toBeGreaterThanOrEqual(headSeq)
    headSeq = grown
  }
  expect(told.texts.size).toBeGreaterThan(1_000)
  rmSync(directory, { recursive: true })
})
