import { expect } from "vitest"
import type { SuiteTests } from "./define-suite.ts"
import { createSession, follow, jsonBody, prompt, submit, type HttpFixture } from "./http-fixture.ts"
import { isCaughtUp } from "./http-event-stream.ts"

interface PlacedEntry {
  readonly seq: number
  readonly type: string
}

/** The log as readers get it, on any server. */
export const httpStreamTests: SuiteTests<HttpFixture> = {
  "the answer starts at once, whatever the session does": async (fixture) => {
    const { id } = await createSession(fixture)
    const stream = await follow(fixture, id)
    expect((await stream.read())?.comment).not.toBeNull()
    expect(await stream.next()).toMatchObject({ event: "caught_up", id: null, data: '{"headSeq":0}' })
    await stream.close()
  },
  "history, caught_up, then what happens": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    await prompt(fixture, id, "echo one")
    const stream = await follow(fixture, id)
    const history = await stream.until(isCaughtUp)
    const entries = history.slice(0, -1)
    expect(entries[0]).toMatchObject({ id: `1@${log}`, event: null })
    const second = await prompt(fixture, id, "echo two")
    const [live] = (await stream.until((frame) => frame.id === `${second}@${log}`)).slice(-1)
    expect(JSON.parse(live?.data ?? "")).toMatchObject({
      seq: second,
      type: "client_message",
      origin: "client",
    })
    await stream.close()
  },
  "each line is what the log holds, byte for byte": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const text = 'umlauts äöü, emoji 🚀, "quotes", \\ and \u2028 and \n and \u0000'
    const seq = await prompt(fixture, id, text)
    const exported = await (await fixture.fetch(`/api/sessions/${id}/log.ndjson`)).text()
    const line = exported.split("\n")[seq - 1]
    const stream = await follow(fixture, id, "?after=0")
    const [frame] = (await stream.until((one) => one.id === `${seq}@${log}`)).slice(-1)
    await stream.close()
    expect(frame?.data).toBe(line)
    expect(JSON.parse(line ?? "")).toMatchObject({
      message: { params: { prompt: [{ type: "text", text }] } },
    })
  },
  "resumes after any id, by header or query, and the header wins": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    for (const word of ["one", "two", "three"]) await prompt(fixture, id, `echo ${word}`)
    const first = async (query: string, headers: Record<string, string> = {}) => {
      const stream = await follow(fixture, id, query, headers)
      const frame = await stream.next()
      await stream.close()
      return frame?.id
    }
    expect(await first("")).toBe(`1@${log}`)
    expect(await first("?after=1")).toBe(`2@${log}`)
    expect(await first(`?after=2@${log}`)).toBe(`3@${log}`)
    expect(await first("?after=2", { "last-event-id": "1" })).toBe(`2@${log}`)
    expect(await first("?after=junk", { "last-event-id": `2@${log}` })).toBe(`3@${log}`)
    expect(await first("?after=0", { "last-event-id": "" })).toBe(`1@${log}`)
  },
  "after=latest has no history": async (fixture) => {
    const { id } = await createSession(fixture)
    const seq = await prompt(fixture, id, "sleep 1000")
    const stream = await follow(fixture, id, "?after=latest")
    expect(await stream.next()).toMatchObject({ event: "caught_up" })
    await submit(fixture, id, "session/cancel", {})
    const frame = await stream.next()
    expect(Number(frame?.id?.split("@")[0])).toBeGreaterThan(seq)
    await stream.close()
  },
  "the same key answers the same seq": async (fixture) => {
    const { id } = await createSession(fixture)
    const headers = { "idempotency-key": "once" }
    const send = () => submit(fixture, id, "session/prompt", { prompt: "echo" }, headers)
    const seqs = await Promise.all(Array.from({ length: 8 }, send))
    expect(new Set(seqs).size).toBe(1)
    const page = (await (await fixture.fetch(`/api/sessions/${id}/log`)).json()) as { entries: PlacedEntry[] }
    expect(page.entries.filter((entry) => entry.type === "client_message")).toHaveLength(1)
  },
  "answers JSON-RPC when asked with an id": async (fixture) => {
    const { id } = await createSession(fixture)
    const body = { jsonrpc: "2.0", id: "a1", method: "session/cancel", params: { sessionId: id } }
    const response = await fixture.fetch(`/api/sessions/${id}/sync`, jsonBody("POST", body))
    expect(response.status).toBe(202)
    const { seq } = (await response.clone().json()) as { seq: number }
    expect(await response.json()).toEqual({ seq, jsonrpc: "2.0", id: "a1", result: { seq } })
  },
  "takes the ancestors' names": async (fixture) => {
    const { id } = await createSession(fixture)
    const blocks = [{ type: "text", text: "two" }]
    const seqs = [
      await submit(fixture, id, "_posthog/user_message", { content: "one" }),
      await submit(fixture, id, "_posthog/user_message", { content: blocks }),
      await submit(fixture, id, "_posthog/cancel", undefined),
    ]
    const page = (await (await fixture.fetch(`/api/sessions/${id}/log`)).json()) as {
      entries: (PlacedEntry & { message: { method: string; params: object } })[]
    }
    const messages = seqs.map((seq) => page.entries.find((entry) => entry.seq === seq)?.message)
    expect(messages).toMatchObject([
      { method: "session/prompt", params: { sessionId: id, prompt: [{ type: "text", text: "one" }] } },
      { method: "session/prompt", params: { sessionId: id, prompt: blocks } },
      { method: "session/cancel", params: { sessionId: id } },
    ])
  },
  "events is another name for sync": async (fixture) => {
    const { id } = await createSession(fixture)
    const response = await fixture.fetch(
      `/api/sessions/${id}/events`,
      jsonBody("POST", { method: "session/cancel" }),
    )
    expect(response.status).toBe(202)
    const stream = await fixture.fetch(`/api/sessions/${id}/events`)
    expect(stream.headers.get("content-type")).toMatch(/^text\/event-stream/)
    await stream.body?.cancel()
  },
  "a page of the log says where it stands": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    for (const word of ["one", "two"]) await prompt(fixture, id, `echo ${word}`)
    const page: unknown = await (await fixture.fetch(`/api/sessions/${id}/log?after=1&limit=1`)).json()
    expect(page).toMatchObject({ log_id: log, trimmed_to: 0, closed: false, entries: [{ seq: 2 }] })
  },
  "ends when the session is deleted": async (fixture) => {
    const { id } = await createSession(fixture)
    const stream = await follow(fixture, id)
    await stream.until(isCaughtUp)
    await fixture.fetch(`/api/sessions/${id}`, { method: "DELETE" })
    const [last] = (await stream.until((frame) => frame.event === "end")).slice(-1)
    expect(last).toMatchObject({ event: "end", data: '{"reason":"deleted"}' })
    expect(await stream.read()).toBeNull()
  },
  "readers who leave harm nobody": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const streams = await Promise.all(Array.from({ length: 20 }, () => follow(fixture, id)))
    const [kept, ...gone] = streams
    await Promise.all(gone.map((stream) => stream.close()))
    const seq = await prompt(fixture, id, "echo")
    const frames = (await kept?.until((frame) => frame.id === `${seq}@${log}`)) ?? []
    expect(frames.at(-1)?.id).toBe(`${seq}@${log}`)
    await kept?.close()
  },
}
