import { AppError } from "@berth/core"
import { afterEach, beforeEach, expect, test } from "vitest"
import { createBerthApi } from "../api/berth-api.ts"
import { say, startStandIn, type StandIn } from "../testing/stand-in-server.test-support.ts"
import { followLog, type FollowEvent, type FollowOptions } from "./follow-log.ts"

let standIn: StandIn
beforeEach(async () => {
  standIn = await startStandIn()
})
afterEach(async () => {
  expect(standIn.problems).toEqual([])
  await standIn.close()
})

function follow(options: Partial<FollowOptions> = {}): AsyncGenerator<FollowEvent> {
  const api = createBerthApi({ url: standIn.url, apiKey: null, project: null })
  return followLog(api, { sessionId: "s1", after: 0, signal: new AbortController().signal, ...options })
}

async function collect(events: AsyncIterable<FollowEvent>): Promise<readonly FollowEvent[]> {
  const all: FollowEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

const seqs = (events: readonly FollowEvent[]): readonly number[] =>
  events.flatMap((event) => (event.type === "entry" ? event.entry.seq : []))
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_unused, at) => at + 1)

function fill(count: number): void {
  for (let at = 0; at < count; at += 1) standIn.append(say.text(`é${at} 🙂`))
}

test("history, what comes, and the end", async () => {
  fill(3)
  const seen: FollowEvent[] = []
  for await (const event of follow()) {
    seen.push(event)
    if (event.type === "caught_up") {
      fill(2)
      standIn.end("closed")
    }
  }
  expect(seqs(seen)).toEqual(upTo(5))
  expect(seen.at(3)).toEqual({ type: "caught_up" })
  expect(seen.at(-1)).toEqual({ type: "end", reason: "closed" })
})

test("connections cut anywhere lose and double nothing", async () => {
  fill(40)
  standIn.end("closed")
  for (let cut = 0; cut < 12; cut += 1) standIn.streamFaults.push({ cutAfterBytes: 97 * cut + cut })
  const seen = await collect(follow())
  expect(seqs(seen)).toEqual(upTo(40))
  const resumed = standIn.resumedFrom.filter((id) => id !== null)
  expect(resumed.length).toBeGreaterThan(5)
  for (const id of resumed) expect(id).toMatch(/^\d+@log_/)
})

test("entries sent again are not shown again", async () => {
  fill(6)
  standIn.end("closed")
  standIn.streamFaults.push({ cutAfterBytes: 700 }, { repeat: 2 })
  expect(seqs(await collect(follow()))).toEqual(upTo(6))
})

test("a hole is met with a new connection, and told when it stays", async () => {
  fill(5)
  standIn.end("closed")
  standIn.streamFaults.push({ omit: [3] })
  expect(seqs(await collect(follow()))).toEqual(upTo(5))
  for (let again = 0; again < 10; again += 1) standIn.streamFaults.push({ omit: [3] })
  await expect(collect(follow())).rejects.toMatchObject({ code: "out_of_sequence" })
})

test("a server that goes away and comes back is waited for", async () => {
  fill(2)
  const seen: FollowEvent[] = []
  for await (const event of follow()) {
    seen.push(event)
    if (event.type === "caught_up" && seqs(seen).length === 2) await standIn.goAway()
    if (event.type === "lost") {
      await standIn.comeBack()
      fill(2)
      standIn.end("closed")
    }
  }
  expect(seqs(seen)).toEqual(upTo(4))
  expect(seen.filter(({ type }) => type === "lost" || type === "back")).toEqual([
    { type: "lost" },
    { type: "back" },
  ])
})

test("what time does not mend is an error at once", async () => {
  const api = createBerthApi({ url: standIn.url, apiKey: null, project: null })
  const refused: typeof api = {
    ...api,
    open: () => Promise.reject(new AppError("session_replaced", "It was made anew.")),
  }
  const events = followLog(refused, { sessionId: "s1", after: 0, signal: new AbortController().signal })
  await expect(collect(events)).rejects.toMatchObject({ code: "session_replaced" })
})

test("ends quietly when aborted, connected or not", async () => {
  fill(1)
  const connected = new AbortController()
  for await (const event of follow({ signal: connected.signal }))
    if (event.type === "caught_up") connected.abort()
  await standIn.goAway()
  const away = new AbortController()
  for await (const event of follow({ signal: away.signal })) if (event.type === "lost") away.abort()
  await standIn.comeBack()
  expect(connected.signal.aborted && away.signal.aborted).toBe(true)
})
