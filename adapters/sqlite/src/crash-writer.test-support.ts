import { createHead, isAppError, type NewEntry } from "@berth/core"
import type { LogId, SessionId } from "@berth/protocol"
import { createSqliteLog } from "./create-sqlite-stores.ts"
import { openDatabase } from "./node-database.ts"

/**
 * A process that writes to one log as fast as it can until somebody kills it, and prints a line for
 * each thing it was told is safe. Pipes are written synchronously: what was printed was acknowledged.
 *
 *   a <seq> <generation> <n>    an append
 *   s <seq> <key>               a submit
 *   o <seq> <name>              a submit that won a name
 *   r <seq>                     a reader has seen this far
 */
const [path = "", logId = ""] = process.argv.slice(2)
const id = logId as LogId
const sources = 8
const submitters = 8

const { sql } = openDatabase({ path })
const { log, leases } = createSqliteLog({
  sql,
  clock: { now: Date.now, sleep: () => Promise.resolve() },
  schedule: setImmediate,
})

function say(words: readonly (string | number)[]): void {
  process.stdout.write(`${words.join(" ")}\n`)
}

function entry(text: string): NewEntry {
  const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text } } as const
  const params = { sessionId: "sess-1", update }
  return {
    origin: "sandbox",
    body: { type: "notification", notification: { jsonrpc: "2.0", method: "session/update", params } },
  }
}

async function writeSource(generation: number, epoch: number, lastN: number): Promise<void> {
  for (let n = lastN + 1; ; n += 1) {
    // Every other call repeats its neighbour, as a runner does that missed an acknowledgement.
    const firstN = n % 2 === 0 ? n - 1 : n
    const entries =
      firstN === n ? [entry(`${generation}/${n}`)] : [n - 1, n].map((m) => entry(`${generation}/${m}`))
    const { lastSeq } = await log.append(id, epoch, entries, { source: { generation, firstN } })
    say(["a", lastSeq, generation, n])
  }
}

async function writeCommands(submitter: number, start: number): Promise<void> {
  for (let index = start; ; index += 1) {
    const key = `key/${submitter}/${index}`
    const { seq } = await log.submit(id, { key, entries: [entry(key)] })
    say(["s", seq, key])
    const name = `answer/${index}`
    try {
      const won = await log.submit(id, { key: `${name}/${submitter}`, entries: [entry(name)], once: name })
      say(["o", won.seq, name])
    } catch (error) {
      if (!isAppError(error, "already_answered")) throw error
    }
  }
}

async function read(): Promise<void> {
  const { headSeq } = await log.read(id, 0, 1)
  for await (const page of log.tail(id, headSeq, new AbortController())) {
    say(["r", page.entries.at(-1)?.seq ?? 0])
  }
}

await log.create(id, createHead("sess-1" as SessionId)).catch((error: unknown) => {
  if (!isAppError(error, "conflict")) throw error
})
const { epoch } = await leases.claim(id, `writer-${process.pid}`, 60_000, { force: true })
const { lastN, headSeq } = await log.state(id)
await Promise.all([
  read(),
  ...Array.from({ length: sources }, (_, index) => writeSource(index, epoch, lastN[index] ?? 0)),
  // Keys of earlier lives come up again.
  ...Array.from({ length: submitters }, (_, index) =>
    writeCommands(index, Math.max(0, Math.floor(headSeq / 30) - 20)),
  ),
])
