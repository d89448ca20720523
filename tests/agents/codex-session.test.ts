import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { isNotification, type ApiClient } from "../support/api-client.ts"
import { outcomeOf, questionOf } from "../support/turns.ts"
import { missingFor } from "./agent-cache.ts"
import { countOf, operatorKey, startAgentServer, wordsOf, type AgentServer } from "./agent-server.ts"

/** The main job with a real agent of another maker, Codex; only the model is a stand-in. */
let berth: AgentServer
let api: ApiClient

const missing = missingFor("codex")

beforeAll(async () => {
  if (missing !== null) return
  berth = await startAgentServer(["codex"])
  api = berth.api
}, 300_000)

afterAll(async () => {
  if (missing === null) await berth.stop()
})

beforeEach((context) => {
  if (missing !== null) context.skip(`missing: ${missing}`)
})

test("text and thinking, through the gateway with the operator's key", async () => {
  const { id } = await api.createSession({ agent: "codex" })
  const seq = await api.prompt(id, "[[think hm so it is]] [[say hello there my friend]]")
  expect(await outcomeOf(api, id, seq, 60_000)).toBe("completed")
  await api.waitFor(id, (entry) => isNotification(entry, "_berth/usage", { upstream: "openai" }))
  const log = await api.log(id)
  expect(wordsOf(log, seq)).toBe("hello there my friend")
  expect(wordsOf(log, seq, "agent_thought_chunk").trim()).toBe("hm so it is")
  expect(JSON.stringify(log)).not.toContain(operatorKey)
  expect(berth.openai.calls.every((call) => call.outcome === "sent")).toBe(true)
})

test("a tool runs when it is allowed, and does not when it is not", async () => {
  const { id } = await api.createSession({ agent: "codex" })
  const first = await api.prompt(id, "[[run echo out > made && cat made]]")
  await api.submit(id, "_berth/answer", { questionId: await questionOf(api, id, first), action: "approve" })
  expect(await outcomeOf(api, id, first, 60_000)).toBe("completed")
  expect(wordsOf(await api.log(id), first)).toContain("out")

  const second = await api.prompt(id, "[[run touch denied]]")
  await api.submit(id, "_berth/answer", { questionId: await questionOf(api, id, second), action: "reject" })
  await outcomeOf(api, id, second, 60_000)
  const third = await api.prompt(id, "[[run echo in: $(ls)]]")
  await api.submit(id, "_berth/answer", { questionId: await questionOf(api, id, third), action: "approve" })
  expect(await outcomeOf(api, id, third, 60_000)).toBe("completed")
  expect(wordsOf(await api.log(id), third)).toContain("in: made")
  expect(wordsOf(await api.log(id), third)).not.toContain("denied")
})

test("after its sandbox was given back, it goes on with files and memory", async () => {
  const { id } = await api.createSession({ agent: "codex", permissions: "auto", idle_timeout: 1 })
  const first = await api.prompt(id, "[[say what we spoke of]] [[run echo kept > file]]")
  expect(await outcomeOf(api, id, first, 60_000)).toBe("completed")
  await api.waitFor(id, (entry) => isNotification(entry, "_berth/sandbox", { state: "released" }), {
    after: first,
  })
  const next = await api.prompt(id, "[[recall]] [[run cat file]]")
  expect(await outcomeOf(api, id, next, 60_000)).toBe("completed")
  const log = (await api.log(id)).filter((entry) => entry.seq > next)
  expect(wordsOf(log)).toContain("I remember: what we spoke of")
  expect(wordsOf(log)).toContain("kept")
  expect(countOf(log, "_berth/agent_state", { resumed: true })).toBe(1)
})
