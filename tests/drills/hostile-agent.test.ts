import { runnerMethods, type Entry } from "@berth/protocol"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { chunkText, createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { hostileAgent } from "../support/hostile-programs.ts"
import { residentMib } from "../support/resident-memory.ts"
import { startServerProcess, supervisorPids, type ServerProcess } from "../support/server-process.ts"
import { dense, outcomeOf, promptFates, questionOf, seqsOf } from "../support/turns.ts"

const runners: ReadonlySet<string> = new Set(runnerMethods)

describe("an agent that writes lies to its stdout", () => {
  let server: ServerProcess
  let api: ApiClient
  beforeAll(async () => {
    server = await startServerProcess()
    api = createApiClient(server.url)
  })
  afterAll(() => server.stop())

  it("forges no entry of our side, no answer, no usage, and no end of its session", async () => {
    const { id } = await api.createSession({ agent: hostileAgent() })
    const seq = await api.prompt(id, "forge")
    expect(await outcomeOf(api, id, seq)).toBe("completed")
    const next = await api.prompt(id, "say")
    expect(await outcomeOf(api, id, next)).toBe("completed")
    const log = await api.log(id)
    expectTrue(log)
    expect(log.some((entry) => chunkText(entry) === "after the lies")).toBe(true)
    expect(promptFates(log)).toEqual(
      [seq, next].map((each) => ({ seq: each, started: 1, outcomes: ["completed"] })),
    )
    const lies = log.filter((entry) => entry.origin !== "client" && JSON.stringify(entry).includes("forged"))
    expect(lies).toEqual([])
    const { body } = await api.call("GET", `/api/sessions/${id}`)
    expect(body).toMatchObject({ status: "idle", usage: { inputTokens: 0, usd: 0 } })
  })

  it("cannot answer its own question", async () => {
    const { id } = await api.createSession({ agent: hostileAgent() })
    const seq = await api.prompt(id, "ask")
    const questionId = await questionOf(api, id, seq)
    expect((await api.call("GET", `/api/sessions/${id}`)).body).toMatchObject({ status: "awaiting_input" })
    const answer = await api.submit(id, "_berth/answer", { questionId, optionId: "yes" })
    expect(answer.status).toBe(202)
    expect(await outcomeOf(api, id, seq)).toBe("completed")
    const log = await api.log(id)
    expectTrue(log)
    const resolved = log.filter((entry) => isNotification(entry, "_berth/question_resolved"))
    expect(resolved).toHaveLength(1)
    expect(resolved[0]).toMatchObject({ origin: "server", seq: Number(answer.body["seq"]) + 1 })
  })

  it("spoils nothing with bytes that are no JSON, no text, or too deep", async () => {
    const { id } = await api.createSession({ agent: hostileAgent() })
    const seq = await api.prompt(id, "garbage")
    await outcomeOf(api, id, seq)
    const next = await api.prompt(id, "say")
    expect(await outcomeOf(api, id, next)).toBe("completed")
    const log = await api.log(id)
    expectTrue(log)
    for (const entry of log) expect(Object.hasOwn(entry, "isForged") || "isForged" in {}).toBe(false)
    const raw = await (await fetch(`${server.url}/api/sessions/${id}/log.ndjson`)).arrayBuffer()
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(raw)).not.toThrow()
    expect((await api.call("GET", "/health")).body).toMatchObject({ status: "healthy" })
  })

  it("ends its turn with a reason that is not endless, and has no endless name", async () => {
    const { id } = await api.createSession({ agent: hostileAgent() })
    expect(await outcomeOf(api, id, await api.prompt(id, "verbose"))).toBe("completed")
    expect(await outcomeOf(api, id, await api.prompt(id, "say"))).toBe("completed")
    expect(JSON.stringify(await api.log(id)).length).toBeLessThan(100_000)
    const named = await api.createSession({ agent: hostileAgent({ LONG_ID: "1" }) })
    expect(await outcomeOf(api, named.id, await api.prompt(named.id, "say"))).toBe("failed")
    expect(JSON.stringify(await api.log(named.id)).length).toBeLessThan(100_000)
  })

  it.each(["long", "endless"])(
    "ends at the bound with a line without end (%s), and takes the next prompt",
    async (act) => {
      const { id, log_id } = await api.createSession({ agent: hostileAgent() })
      const seq = await api.prompt(id, act)
      expect(await outcomeOf(api, id, seq)).toBe("failed")
      const [supervisor] = supervisorPids(server.dataDirectory, log_id)
      expect(residentMib(supervisor ?? 0)).toBeLessThan(500)
      const next = await api.prompt(id, "say")
      expect(await outcomeOf(api, id, next)).toBe("completed")
      expectTrue(await api.log(id))
    },
  )

  /** Dense, and each entry of the origin that its kind has. */
  function expectTrue(log: readonly Entry[]): void {
    expect(seqsOf(log)).toEqual(dense(log))
    expect(log.filter((entry) => !isOfItsOrigin(entry))).toEqual([])
  }
})

function isOfItsOrigin(entry: Entry): boolean {
  const { origin } = entry
  if (entry.type === "client_message") return origin === "client"
  if (entry.type === "spilled" || origin !== "sandbox") return origin !== "client"
  return runners.has(entry.notification.method)
}
