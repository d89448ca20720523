import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { chunkText, createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { readTranscript } from "../support/transcript.ts"
import { startServerProcess, supervisorPids, type ServerProcess } from "../support/server-process.ts"

const chunks = 20_000
const kills = 20
const readers = 5

describe("a server killed again and again during a turn", () => {
  let server: ServerProcess
  let api: ApiClient
  beforeAll(async () => {
    server = await startServerProcess()
    api = createApiClient(server.url)
  })
  afterAll(() => server.stop())

  it(`loses, doubles and restarts nothing: ${chunks} entries, ${kills} kills, ${readers} readers`, async () => {
    const { id } = await api.createSession({ agent: drillAgent, permissions: "auto" })
    const transcripts = Array.from({ length: readers }, () => readTranscript(server.url, id))
    await api.prompt(id, `stream ${chunks} 12`)
    await api.waitFor(id, (entry) => chunkText(entry) === "n1")
    const [supervisor] = supervisorPids(server.dataDirectory)

    for (let kill = 0; kill < kills; kill += 1) {
      await delay(Math.random() * 250)
      await server.kill()
      await delay(Math.random() * 100)
      await server.start()
    }
    expect(supervisorPids(server.dataDirectory)).toEqual([supervisor])
    // The last entry of a turn: nothing comes after it that a reader could still be waiting for.
    await api.waitFor(id, (entry) => isNotification(entry, "_berth/snapshot"), { timeoutMs: 60_000 })

    const log = (await (await fetch(`${server.url}/api/sessions/${id}/log.ndjson`)).text())
      .split("\n")
      .filter(Boolean)
    const entries = await api.log(id)
    expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => index + 1))
    const texts = entries.map(chunkText).filter((text) => text !== null)
    expect(texts.filter((text) => text.startsWith("boot"))).toHaveLength(1)
    expect(texts.slice(1)).toEqual(Array.from({ length: chunks }, (_, index) => `n${index + 1}`))
    for (const transcript of transcripts) {
      await transcript.until(entries.length)
      expect(transcript.lines).toEqual(log)
      transcript.close()
    }
  }, 180_000)
})
