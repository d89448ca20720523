import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { dense, outcomeOf, promptFates, seqsOf } from "../support/turns.ts"

const sessions = 3
const rounds = 10
const idleSeconds = 0.3

describe("a prompt in the instant of an idle release", () => {
  let server: ServerProcess
  let api: ApiClient
  beforeAll(async () => {
    server = await startServerProcess()
    api = createApiClient(server.url)
  })
  afterAll(() => server.stop())

  it(`gets one turn, completed: ${sessions * rounds} times around the release`, async () => {
    const releases = await Promise.all(Array.from({ length: sessions }, () => race()))
    // Some came before the release and some after it; else the instant was not met.
    const total = releases.reduce((sum, count) => sum + count, 0)
    expect(total).toBeGreaterThan(0)
  })

  async function race(): Promise<number> {
    const { id } = await api.createSession({ agent: drillAgent, idle_timeout: idleSeconds })
    const seqs: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const seq = await api.prompt(id, `round ${round}`)
      seqs.push(seq)
      expect(await outcomeOf(api, id, seq)).toBe("completed")
      // The release is asked for after `idleSeconds` and takes a moment: aim at all of that.
      await delay(idleSeconds * 1000 - 20 + Math.random() * 120)
    }
    const log = await api.log(id)
    expect(seqsOf(log)).toEqual(dense(log))
    expect(promptFates(log)).toEqual(seqs.map((seq) => ({ seq, started: 1, outcomes: ["completed"] })))
    expect(log.some((entry) => isNotification(entry, "_berth/sandbox", { state: "lost" }))).toBe(false)
    return log.filter((entry) => isNotification(entry, "_berth/sandbox", { state: "released" })).length
  }
})
