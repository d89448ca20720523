import { afterEach, beforeEach, expect, test } from "vitest"
import { createBerthApi } from "../api/berth-api.ts"
import { readConfig } from "../config.ts"
import { createFakeTerminal, type FakeTerminal } from "../testing/fake-terminal.test-support.ts"
import { say, startStandIn, type StandIn } from "../testing/stand-in-server.test-support.ts"
import { attachSession } from "./attach-session.ts"
import type { CommandContext } from "./context.ts"
import { parseNetwork, runPrompt } from "./run-prompt.ts"

let standIn: StandIn
beforeEach(async () => {
  standIn = await startStandIn()
})
afterEach(async () => {
  expect(standIn.problems).toEqual([])
  await standIn.close()
})

function contextOf({ terminal }: FakeTerminal): CommandContext {
  return {
    terminal,
    config: readConfig({}),
    api: createBerthApi({ url: standIn.url, apiKey: null, project: null }),
  }
}

test("text goes to stdout, thoughts and tools to stderr, and the outcome is told", async () => {
  standIn.onCommand = ({ seq }) => {
    standIn.append(say.turnStarted(seq))
    standIn.append(say.thought("hm\u001b[2J"))
    standIn.append(say.text("Hel"))
    standIn.append(say.text("lo\u001b]0;title\u0007"))
    standIn.append(say.tool("c1", "ls \u001b[8m-l", "pending"))
    standIn.append(say.toolUpdate("c1", { status: "completed" }))
    standIn.append(say.text("done"))
    standIn.append(say.turnEnded(seq, "completed"))
  }
  const screen = createFakeTerminal()
  expect(await runPrompt(contextOf(screen), "hi", {})).toBe("completed")
  expect(screen.stdout()).toBe("Hello\ndone\n")
  expect(screen.stderr()).toContain("hm\n○ ls -l\n✓ ls -l\n")
  expect(screen.stdout() + screen.stderr()).not.toContain("\u001b")
  expect(standIn.submitted).toMatchObject([
    { method: "session/prompt", params: { prompt: [{ type: "text", text: "hi" }] } },
  ])
})

test("a lost answer and a restart: one prompt, and its output once", async () => {
  standIn.loseAnswers = 2
  standIn.streamFaults.push({ cutAfterBytes: 400 }, { cutAfterBytes: 1 })
  standIn.onCommand = ({ seq }) => {
    for (let at = 0; at < 10; at += 1) standIn.append(say.text(`${at} `))
    standIn.append(say.turnEnded(seq, "completed"))
  }
  const screen = createFakeTerminal()
  expect(await runPrompt(contextOf(screen), "hi", {})).toBe("completed")
  expect(screen.stdout()).toBe("0 1 2 3 4 5 6 7 8 9 \n")
  expect(standIn.submitted.length).toBe(1)
})

test("the server is gone while the turn runs, and the person is told", async () => {
  const screen = createFakeTerminal()
  standIn.onCommand = () => void standIn.append(say.text("before "))
  const ending = runPrompt(contextOf(screen), "hi", {})
  await screen.seen("before")
  await standIn.goAway()
  await screen.seen("the server is away")
  standIn.append(say.text("after"))
  standIn.append(say.turnEnded(1, "completed"))
  await standIn.comeBack()
  expect(await ending).toBe("completed")
  expect(screen.stdout().replaceAll("\n", "")).toBe("before after")
  expect(screen.stderr()).toContain("the server is back")
})

test("a permission is asked for and answered", async () => {
  const screen = createFakeTerminal({ isInteractive: true })
  standIn.onCommand = ({ method, params, seq }) => {
    if (method === "session/prompt") standIn.append(say.question("q1", "permission", "rm -rf build"))
    if (method !== "_berth/answer") return
    expect(params).toEqual({ questionId: "q1", optionId: "yes" })
    standIn.append(say.resolved("q1", "me"))
    standIn.append(say.text("removed"))
    standIn.append(say.turnEnded(seq - 2, "completed"))
  }
  const ending = runPrompt(contextOf(screen), "clean", {})
  await screen.seen("y yes")
  screen.type("y")
  expect(await ending).toBe("completed")
  expect(screen.stdout()).toBe("removed\n")
})

test("the answer to a checkpoint starts a turn, and the run goes on with it", async () => {
  const screen = createFakeTerminal({ isInteractive: true })
  standIn.onCommand = ({ method, seq }) => {
    if (method === "session/prompt") {
      standIn.append(say.question("q1", "checkpoint", "this one?", { options: [] }))
      standIn.append(say.turnEnded(seq, "completed"))
    } else {
      standIn.append(say.resolved("q1", "me"))
      standIn.append(say.text("second turn"))
      standIn.append(say.turnEnded(seq, "completed"))
    }
  }
  const ending = runPrompt(contextOf(screen), "draw", {})
  await screen.seen("y approve")
  screen.type("make it blue")
  expect(await ending).toBe("completed")
  expect(screen.stdout()).toBe("second turn\n")
  expect(standIn.submitted[1]?.params).toEqual({
    questionId: "q1",
    action: "modify",
    feedback: "make it blue",
  })
})

test("with nobody there a checkpoint ends the run", async () => {
  standIn.onCommand = ({ seq }) => {
    standIn.append(say.question("q1", "checkpoint", "this one?", { options: [] }))
    standIn.append(say.turnEnded(seq, "completed"))
  }
  expect(await runPrompt(contextOf(createFakeTerminal()), "draw", {})).toBe("awaiting_input")
})

test("Ctrl-C cancels; the second one leaves", async () => {
  const screen = createFakeTerminal({ isInteractive: true })
  standIn.onCommand = ({ method }) => void standIn.append(say.text(`${method} `))
  const ending = runPrompt(contextOf(screen), "hi", {})
  await screen.seen("session/prompt")
  screen.interrupt()
  await screen.seen("session/cancel")
  screen.interrupt()
  expect(await ending).toBe("left")
  expect(standIn.submitted.map(({ method }) => method)).toEqual(["session/prompt", "session/cancel"])
})

test("a cancelled turn is told as one", async () => {
  const screen = createFakeTerminal()
  standIn.onCommand = ({ method, seq }) => {
    if (method === "session/prompt") standIn.append(say.text("working"))
    else standIn.append(say.turnEnded(seq - 2, "cancelled"))
  }
  const ending = runPrompt(contextOf(screen), "hi", {})
  await screen.seen("working")
  screen.interrupt()
  expect(await ending).toBe("cancelled")
})

test("failed, declined and closed are told", async () => {
  standIn.onCommand = ({ seq }) => void standIn.append(say.turnEnded(seq, "failed", { error: "no model" }))
  const screen = createFakeTerminal()
  expect(await runPrompt(contextOf(screen), "hi", {})).toBe("failed")
  expect(screen.stderr()).toContain("turn failed: no model")
  standIn.onCommand = ({ seq }) => void standIn.append(say.declined(seq, "closing"))
  expect(await runPrompt(contextOf(createFakeTerminal()), "hi", { session: "s1" })).toBe("declined")
  standIn.onCommand = () => standIn.end("deleted")
  expect(await runPrompt(contextOf(createFakeTerminal()), "hi", { session: "s1" })).toBe("closed")
})

test("--json is the entries as they are", async () => {
  standIn.onCommand = ({ seq }) => void standIn.append(say.turnEnded(seq, "completed"))
  const screen = createFakeTerminal()
  await runPrompt(contextOf(screen), "hi", { json: true })
  const lines = screen.stdout().trim().split("\n")
  expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([1, 2])
})

test("no server is an error at once, and says what to do", async () => {
  await standIn.goAway()
  const running = runPrompt(contextOf(createFakeTerminal()), "hi", {})
  await expect(running).rejects.toMatchObject({ code: "unavailable", message: /berth serve/ })
  await standIn.comeBack()
})

test("attach shows the past, takes prompts and answers, and leaves the session running", async () => {
  standIn.append(say.text("long ago"))
  const screen = createFakeTerminal({ isInteractive: true })
  standIn.onCommand = ({ method, seq }) => {
    if (method !== "session/prompt") return
    standIn.append(say.turnStarted(seq))
    standIn.append(say.text("as you say"))
    standIn.append(say.turnEnded(seq, "completed"))
  }
  const ending = attachSession(contextOf(screen), "s1", { history: 200 })
  await screen.seen("long ago")
  screen.type("do it")
  await screen.seen("turn completed")
  screen.interrupt()
  expect(await ending).toBe("left")
  expect(screen.stderr()).not.toContain("> do it")
})

test("networks", () => {
  expect(parseNetwork("none")).toBe("none")
  expect(parseNetwork("a.example, *.b.example")).toEqual({ allow: ["a.example", "*.b.example"] })
  expect(() => parseNetwork("http://x")).toThrow(/host names/)
})
