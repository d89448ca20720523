import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { missingFor } from "./agent-cache.ts"
import { keyInside, programOf, startBareAgent, type BareAgent } from "./bare-agent.ts"
import { startOpenaiStandIn } from "./openai-stand-in.ts"

/** A real agent of another maker, Codex, the same way: in a real sandbox, alone with a stand-in for its model. */
let agent: BareAgent

const missing = missingFor("codex")

beforeAll(async () => {
  if (missing !== null) return
  const program = await programOf("codex")
  agent = await startBareAgent({
    program,
    files: {},
    standIn: (socketPath) => startOpenaiStandIn({ key: keyInside(program), socketPath }),
  })
}, 300_000)

afterAll(async () => {
  if (missing === null) await agent.end()
})

beforeEach((context) => {
  if (missing !== null) context.skip(`missing: ${missing}`)
})

test("text and thinking come in pieces", async () => {
  expect(await agent.prompt("[[think hm so it is]] [[say hello there my friend]]")).toMatchObject({
    stopReason: "end_turn",
  })
  const kinds = agent.updates.map((update) => update.sessionUpdate)
  expect(kinds.filter((kind) => kind === "agent_thought_chunk").length).toBeGreaterThan(1)
  expect(kinds.filter((kind) => kind === "agent_message_chunk").length).toBeGreaterThan(1)
  expect(agent.takeText()).toBe("hello there my friend")
})

test("a tool runs when it is allowed, and does not when it is not", async () => {
  agent.asked.length = 0
  await agent.prompt("[[run echo out > made && cat made]]")
  expect(agent.asked).toMatchObject([{ toolCall: { rawInput: { command: "echo out > made && cat made" } } }])
  expect(agent.takeText()).toContain("out")
  expect(await agent.sandbox.files.stat("workspace", "made")).toMatchObject({ kind: "file", size: 4 })

  agent.answer = "reject_once"
  await agent.prompt("[[run touch denied]]")
  agent.answer = "allow_once"
  expect(await agent.sandbox.files.stat("workspace", "denied")).toBeNull()
})

test("a cancel ends a tool within two seconds", async () => {
  const done = agent.prompt("[[run touch began; sleep 60]]")
  await expect.poll(() => agent.sandbox.files.stat("workspace", "began"), { timeout: 10_000 }).not.toBeNull()
  const startedAt = performance.now()
  await agent.cancel()
  expect(await done).toMatchObject({ stopReason: "cancelled" })
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  agent.takeText()
  await agent.prompt("[[say after]]")
  expect(agent.takeText()).toBe("after")
})

test("a model error ends the turn, and the next one works", async () => {
  const failed = await agent.prompt("[[error 400]]").then(
    (answer) => JSON.stringify(answer) + agent.takeText(),
    (error: unknown) => JSON.stringify(error) + String(error),
  )
  expect(failed).toContain("scripted 400")
  agent.takeText()
  await agent.prompt("[[say again]]")
  expect(agent.takeText()).toBe("again")
})

test("in a new sandbox, with its memory alone, it goes on with the conversation", async () => {
  await agent.moveToNewSandbox()
  await agent.prompt("[[recall]]")
  expect(agent.takeText()).toBe("I remember: hello there my friend")
})
