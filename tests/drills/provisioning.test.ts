import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { noTraces, watchTraces } from "../support/host-traces.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { dense, outcomeOf, promptFates, questionOf, seqsOf } from "../support/turns.ts"

const rounds = 10
const sessionsPerRound = 3

describe("a server killed at the beginning of sessions, and while a question is open", () => {
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

  it("ends every turn once and leaves no session stuck, wherever in its first second it struck", async () => {
    const sessions: { readonly id: string; readonly seq: number }[] = []
    for (let round = 0; round < rounds; round += 1) {
      const born = Array.from({ length: sessionsPerRound }, async () => {
        const { id } = await api.createSession({ agent: drillAgent, permissions: "auto" })
        sessions.push({ id, seq: await api.prompt(id, "stream 50 5") })
      })
      await Promise.all(born)
      await delay((round / rounds) * 1000 * Math.random())
      await server.kill()
      await server.start()
    }
    const outcomes = await Promise.all(sessions.map(({ id, seq }) => outcomeOf(api, id, seq, 60_000)))
    for (const outcome of outcomes) expect(["completed", "lost"]).toContain(outcome)
    for (const { id, seq } of sessions) {
      await expect
        .poll(async () => (await api.call("GET", `/api/sessions/${id}`)).body["status"], { timeout: 10_000 })
        .toBe("idle")
      const log = await api.log(id)
      expect(seqsOf(log)).toEqual(dense(log))
      expect(promptFates(log)).toEqual([{ seq, started: 1, outcomes: [expect.any(String)] }])
    }
    // One runner and one sandbox a session at most: nothing of an attempt that was cut off.
    await expect
      .poll(() => Math.max(traces.now().runners.length, traces.now().supervisors.length), { timeout: 20_000 })
      .toBeLessThanOrEqual(sessions.length)
    // The traces that are looked for below are there to be found.
    const { runners, sandboxes, grants, supervisors, sandboxed } = traces.now()
    for (const kind of [runners, sandboxes, grants, supervisors, sandboxed])
      expect(kind.length).toBeGreaterThan(0)
    for (const { id } of sessions) expect((await api.call("DELETE", `/api/sessions/${id}`)).status).toBe(200)
    await expect.poll(() => traces.now(), { timeout: 20_000, interval: 200 }).toEqual(noTraces)
  })

  it("keeps a question open through the kill; its answer goes to the waiting agent", async () => {
    const { id } = await api.createSession({ agent: drillAgent })
    const seq = await api.prompt(id, "ask may I")
    const questionId = await questionOf(api, id, seq)
    await server.kill()
    await server.start()
    expect((await api.call("GET", `/api/sessions/${id}`)).body).toMatchObject({ status: "awaiting_input" })
    expect((await api.submit(id, "_berth/answer", { questionId, optionId: "yes" })).status).toBe(202)
    expect(await outcomeOf(api, id, seq)).toBe("completed")
    expect(promptFates(await api.log(id))).toEqual([{ seq, started: 1, outcomes: ["completed"] }])
    const again = await api.submit(id, "_berth/answer", { questionId, optionId: "no" })
    expect(again).toMatchObject({ status: 409, body: { code: "already_answered" } })
  })

  it("lets a question expire that ran out while the server was away", async () => {
    const { id } = await api.createSession({ agent: drillAgent, permission_hold: 0.4 })
    const seq = await api.prompt(id, "ask may I")
    const questionId = await questionOf(api, id, seq)
    await server.kill()
    await delay(500)
    await server.start()
    expect(await outcomeOf(api, id, seq)).toBe("interrupted")
    const log = await api.log(id)
    const expired = log.filter((entry) => isNotification(entry, "_berth/question_expired", { questionId }))
    expect(expired).toHaveLength(1)
    expect(promptFates(log)).toEqual([{ seq, started: 1, outcomes: ["interrupted"] }])
  })
})
