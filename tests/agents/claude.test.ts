import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { missingFor } from "./agent-cache.ts"
import { startAnthropicStandIn } from "./anthropic-stand-in.ts"
import { keyInside, programOf, startBareAgent, type BareAgent } from "./bare-agent.ts"
import type { StandIn } from "./stand-in.ts"

/**
 * The real Claude agent program in a real sandbox, alone with a stand-in for its model: what Berth builds on.
 * The stand-in refuses any call that is not as the Messages API wants it.
 */
let agent: BareAgent
let model: StandIn

const missing = missingFor("claude")

beforeAll(async () => {
  if (missing !== null) return
  const program = await programOf("claude")
  agent = await startBareAgent({
    program,
    // A project's own settings, written by somebody else: a hook, and a server to start.
    files: {
      ".claude/settings.json": JSON.stringify({
        hooks: { SessionStart: [{ hooks: [{ type: "command", command: "touch /workspace/hooked" }] }] },
      }),
      ".mcp.json": JSON.stringify({
        mcpServers: { evil: { command: "touch", args: ["/workspace/started"] } },
      }),
    },
    standIn: async (socketPath) => {
      model = await startAnthropicStandIn({ key: keyInside(program), socketPath })
      return model
    },
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

test("a workspace that is not trusted runs nothing by itself", async () => {
  expect(await agent.sandbox.files.stat("workspace", ".mcp.json")).not.toBeNull()
  expect(await agent.sandbox.files.stat("workspace", "hooked")).toBeNull()
  expect(await agent.sandbox.files.stat("workspace", "started")).toBeNull()
})

test("a tool runs when it is allowed, and does not when it is not", async () => {
  agent.asked.length = 0
  await agent.prompt("[[run echo out > made && cat made]]")
  expect(agent.asked).toMatchObject([{ toolCall: { rawInput: { command: "echo out > made && cat made" } } }])
  expect(agent.takeText()).toBe("The tool said result: out")
  expect(await agent.sandbox.files.stat("workspace", "made")).toMatchObject({ kind: "file", size: 4 })

  agent.answer = "reject_once"
  await agent.prompt("[[write /workspace/denied]]")
  agent.answer = "allow_once"
  expect(agent.takeText()).toContain("The tool said refused")
  expect(await agent.sandbox.files.stat("workspace", "denied")).toBeNull()
})

test("a cancel ends a tool within two seconds", async () => {
  agent.updates.length = 0
  const done = agent.prompt("[[run touch began; timeout 60 tail -f /dev/null]]")
  await expect.poll(() => agent.sandbox.files.stat("workspace", "began"), { timeout: 10_000 }).not.toBeNull()
  const startedAt = performance.now()
  await agent.cancel()
  expect(await done).toMatchObject({ stopReason: "cancelled" })
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  agent.takeText()
  await agent.prompt("[[say after]]")
  expect(agent.takeText()).toBe("after")
})

test.each([400, 401, 529])("a model error %i ends the turn, and the next one works", async (status) => {
  await expect(agent.prompt(`[[error ${status}]]`)).rejects.toThrow(/error|authentication/i)
  expect(agent.takeText()).toContain(`scripted ${status}`)
  await agent.prompt("[[say again]]")
  expect(agent.takeText()).toBe("again")
})

test("a model stream that is cut is tried again, and fails in the end", async () => {
  const failed = await agent.prompt("[[cut so far]]").then(
    () => "",
    (error: unknown) => String(error),
  )
  expect(failed).not.toBe("")
  const tries = model.calls.filter((call) => call.prompt.includes("[[cut so far]]") && call.outcome === "cut")
  expect(tries.length).toBeGreaterThan(1)
  expect(agent.takeText()).toContain("so far")
  await agent.prompt("[[say again]]")
  expect(agent.takeText()).toBe("again")
})

test("in a new sandbox, with its memory alone, it goes on with the conversation", async () => {
  await agent.moveToNewSandbox()
  await agent.prompt("[[recall]]")
  expect(agent.takeText()).toBe("I remember: hello there my friend")
  await agent.prompt("[[run cat made]]")
  expect(agent.takeText()).toBe("The tool said result: out")
})
