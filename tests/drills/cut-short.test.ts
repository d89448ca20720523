import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { noTraces, watchTraces } from "../support/host-traces.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { dense, outcomeOf, promptFates, seqsOf } from "../support/turns.ts"

const rounds = 6

describe("what a killed server had begun", () => {
  let server: ServerProcess
  let api: ApiClient
  let traces: ReturnType<typeof watchTraces>
  beforeAll(async () => {
    server = await startServerProcess()
    api = createApiClient(server.url)
    traces = watchTraces(server.dataDirectory)
  })
  afterAll(async () => {
    traces.close()
    await server.stop()
  })

  async function restart(): Promise<void> {
    await server.kill()
    await server.start()
  }

  it("a deletion is finished by the next one, at whatever step it was cut", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const born = [0, 1, 2].map(async (age) => {
        const { id } = await api.createSession({ agent: drillAgent })
        await api.prompt(id, "wait")
        // One that is not yet provisioned, one that is about to be, one that runs.
        if (age > 0) await api.waitFor(id, (entry) => entry.seq >= 3 * age)
        return id
      })
      const ids = await Promise.all(born)
      const deletions = ids.map((id) => api.call("DELETE", `/api/sessions/${id}`).catch(() => null))
      await delay(Math.random() * 60)
      await restart()
      await Promise.all(deletions)
      // A deletion that was not answered may not have happened: said again, it is done or there is none.
      for (const id of ids)
        expect([200, 404]).toContain((await api.call("DELETE", `/api/sessions/${id}`)).status)
    }
    expect((await api.call("GET", "/api/sessions")).body).toMatchObject({ total: 0 })
    await expect.poll(() => traces.now(), { timeout: 20_000, interval: 200 }).toEqual(noTraces)
  })

  it("an idle release is finished by its runner, and loses no file", async () => {
    const { id } = await api.createSession({ agent: "shell", permissions: "auto", idle_timeout: 0.3 })
    const seqs: number[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const seq = await api.prompt(id, `echo ${round} >> lines.txt; cat lines.txt`)
      seqs.push(seq)
      expect(await outcomeOf(api, id, seq)).toBe("completed")
      await delay(250 + Math.random() * 150)
      await restart()
    }
    const log = await api.log(id)
    expect(seqsOf(log)).toEqual(dense(log))
    expect(promptFates(log)).toEqual(seqs.map((seq) => ({ seq, started: 1, outcomes: ["completed"] })))
    expect(log.some((entry) => isNotification(entry, "_berth/sandbox", { state: "lost" }))).toBe(false)
    const last = JSON.stringify(log.filter((entry) => entry.seq > (seqs.at(-1) ?? 0)))
    for (let round = 1; round <= rounds; round += 1) expect(last).toContain(`${round}\\n`)
  })

  it("commands that were not answered are there once, or not at all", async () => {
    const { id } = await api.createSession({ agent: drillAgent })
    const sent = new Map<string, number | null>()
    for (let round = 0; round < rounds; round += 1) {
      const prompts = Array.from({ length: 20 }, async (_, index) => {
        const key = `key-${round}-${index}`
        const prompt = [{ type: "text", text: key }]
        const answer = await api.submit(id, "session/prompt", { prompt }, key).catch(() => null)
        sent.set(key, answer?.status === 202 ? Number(answer.body["seq"]) : null)
      })
      await delay(Math.random() * 20)
      await server.kill()
      await Promise.all(prompts)
      await server.start()
    }
    // Sent again with its key, each is where it was acknowledged to be.
    for (const [key, seq] of sent) {
      const again = await api.submit(id, "session/prompt", { prompt: [{ type: "text", text: key }] }, key)
      expect(again.status).toBe(202)
      // Null: nobody was answered, so any seq will do.
      expect([key, seq === null ? null : again.body["seq"]]).toEqual([key, seq])
    }
    const fates = promptFates(await api.log(id))
    expect(fates).toHaveLength(sent.size)
    const last = fates.at(-1)?.seq ?? 0
    expect(await outcomeOf(api, id, last, 60_000)).toBe("completed")
    const all = promptFates(await api.log(id))
    expect(all.every((fate) => fate.started === 1 && fate.outcomes.length === 1)).toBe(true)
  })
})
