import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { isNotification, type ApiClient } from "../support/api-client.ts"
import { supervisorPids } from "../support/server-process.ts"
import { readTranscript } from "../support/transcript.ts"
import { missingFor } from "./agent-cache.ts"
import { countOf, startAgentServer, wordsOf, type AgentServer } from "./agent-server.ts"

const words = 4_000
const kills = 20
const readers = 5
const missing = missingFor("claude")
let berth: AgentServer
let api: ApiClient

beforeAll(async () => {
  if (missing !== null) return
  berth = await startAgentServer(["claude"])
  api = berth.api
}, 300_000)

afterAll(async () => {
  if (missing === null) await berth.stop()
})

beforeEach((context) => {
  if (missing !== null) context.skip(`missing: ${missing}`)
})

test(`real Claude streams while the server is killed ${kills} times: nothing is lost, doubled or restarted`, async () => {
  const { server, anthropic } = berth
  const { id } = await api.createSession({ agent: "claude", permissions: "auto" })
  const transcripts = Array.from({ length: readers }, () => readTranscript(server.url, id))
  await api.prompt(id, `[[stream ${words}]]`)
  await api.waitFor(id, (entry) => wordsOf([entry]).includes("w1"), { timeoutMs: 60_000 })
  const running = supervisorPids(server.dataDirectory)
  for (let kill = 0; kill < kills; kill += 1) {
    await delay(Math.random() * 250)
    await server.kill()
    await delay(Math.random() * 100)
    await server.start()
  }
  expect(supervisorPids(server.dataDirectory)).toEqual(running)
  await api.waitFor(id, (entry) => isNotification(entry, "_berth/snapshot"), { timeoutMs: 60_000 })
  const log = await api.log(id)
  expect(wordsOf(log).trim().split(/\s+/)).toEqual(
    Array.from({ length: words }, (_, index) => `w${index + 1}`),
  )
  expect(log.map((entry) => entry.seq)).toEqual(log.map((_, index) => index + 1))
  expect(countOf(log, "_berth/agent_state", { state: "connected" })).toBe(1)
  expect(countOf(log, "_berth/model_stream_cut")).toBe(0)
  const lines = (await (await fetch(`${server.url}/api/sessions/${id}/log.ndjson`)).text())
    .split("\n")
    .filter(Boolean)
  for (const transcript of transcripts) {
    await transcript.until(lines.length)
    // Usage may come in after the log was read: the readers are then ahead of it.
    expect(transcript.lines.slice(0, lines.length)).toEqual(lines)
    transcript.close()
  }
  const streams = anthropic.calls.filter(
    ({ prompt, body }) => prompt.includes("[[stream") && JSON.stringify(body["tools"] ?? []) !== "[]",
  )
  expect(streams).toHaveLength(1)
}, 180_000)
