import { describe, expect, it } from "vitest"
import { createScriptedAgent, createTestSession, settle } from "./scripted-runner.test-support.ts"

const hello = createScriptedAgent.bind(null, async (prompt, { say }) => {
  say(`you said ${prompt}`)
  return "end_turn"
})

describe("a runner", () => {
  it("takes a queued prompt to the agent and its updates to the log", async () => {
    const session = await createTestSession()
    const seq = await session.prompt("hello")
    await session.start(hello())
    await settle()
    expect(await session.story()).toEqual([
      "> session/prompt",
      "sandbox attached",
      "agent starting",
      "turn_started",
      "agent connected",
      "say you said hello",
      "turn_ended completed",
      `done ${seq}`,
      "snapshot",
    ])
    expect(await session.head()).toMatchObject({ turn: null, commands: [], status: "idle" })
  })
})
