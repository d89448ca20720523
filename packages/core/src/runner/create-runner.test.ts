import { describe, expect, it } from "vitest"
import { AppError } from "../errors/app-error.ts"
import type { RunnerLink } from "./runner-link.ts"
import {
  createScriptedAgent,
  createTestSession,
  settle,
  type Script,
} from "./scripted-runner.test-support.ts"

const echo: Script = async (prompt, { say }) => {
  say(`you said ${prompt}`)
  return "end_turn"
}
const waitForCancel: Script = async (_, { say, cancelled }) => {
  say("waiting")
  await cancelled
  return "cancelled"
}
const options = [
  { optionId: "yes", name: "Allow", kind: "allow_once" },
  { optionId: "no", name: "Reject", kind: "reject_once" },
]
const askFirst: Script = async (prompt, { say, handlers }) => {
  if (prompt.includes("The answer:")) {
    say(prompt)
    return "end_turn"
  }
  const request = { toolCall: { toolCallId: "t", title: prompt, kind: "execute" }, options }
  const answer = await handlers.requestPermission(request, new AbortController().signal)
  say(`answer ${answer}`)
  return answer === null ? "cancelled" : "end_turn"
}

type Session = Awaited<ReturnType<typeof createTestSession>>

async function questionIn(session: Session): Promise<string> {
  const { questions } = await session.head()
  const [question] = questions
  if (question === undefined) throw new Error("no question is open")
  return question.questionId
}

async function answer(session: Session, questionId: string, optionId: string, more = {}): Promise<number> {
  const seq = await session.submit(
    { method: "_berth/answer", params: { questionId, optionId } },
    { questionId, answer: { optionId }, ...more },
  )
  await settle()
  return seq
}

describe("turns", () => {
  it("take a queued prompt to the agent and its updates to the log", async () => {
    const session = await createTestSession()
    const seq = await session.prompt("hello")
    await session.start(createScriptedAgent(echo))
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

  it("come in the order of their prompts, each after the other's end", async () => {
    const session = await createTestSession()
    const agent = createScriptedAgent(echo)
    await session.start(agent)
    for (const name of ["one", "two", "three"]) await session.prompt(name)
    await settle()
    expect(agent.events).toEqual([
      "agent1 start",
      "agent1 new",
      "agent1 prompt one",
      "agent1 prompt two",
      "agent1 prompt three",
    ])
  })

  it("reach the agent only when the log has them as accepted", async () => {
    const session = await createTestSession()
    const gate = Promise.withResolvers<void>()
    const agent = createScriptedAgent(echo)
    const holdBack = (link: RunnerLink): RunnerLink => ({
      ...link,
      append: async (firstN, bodies) => {
        if (JSON.stringify(bodies).includes("accepted")) await gate.promise
        return link.append(firstN, bodies)
      },
    })
    await session.prompt("hello")
    await session.start(agent, { wrapLink: holdBack })
    expect(agent.events).not.toContain("agent1 prompt hello")
    gate.resolve()
    await settle()
    expect(agent.events).toContain("agent1 prompt hello")
  })

  it("are lost, and not sent again, when an earlier sandbox may have had them", async () => {
    const session = await createTestSession()
    const first = createScriptedAgent(waitForCancel)
    const lost = await session.prompt("half done")
    const next = await session.prompt("next")
    const runner = await session.start(first)
    const second = createScriptedAgent(echo)
    await session.start(second)
    await session.clock.advance(10_000)
    expect(await runner.ended).toBe("fenced")
    expect(second.events).not.toContain("agent1 prompt half done")
    expect(second.events).toContain("agent1 prompt next")
    const story = await session.story()
    expect(story).toContain("turn_ended lost: The sandbox that ran this turn is gone.")
    expect(story).toContain(`done ${lost}: lost`)
    expect(story).toContain(`done ${next}`)
  })

  it("take a steered prompt in where the agent can, and queue it where not", async () => {
    for (const canSteer of [true, false]) {
      const session = await createTestSession()
      const steered: Script = async (prompt, context) => {
        if (prompt === "wait")
          await context.handlers.requestPermission(
            { toolCall: { toolCallId: "t" }, options },
            new AbortController().signal,
          )
        return echo(prompt, context)
      }
      const agent = createScriptedAgent(steered, { canSteer })
      await session.prompt("wait")
      await session.start(agent)
      const seq = await session.prompt("also", true)
      await settle()
      expect(agent.events.includes("agent1 prompt also")).toBe(canSteer)
      await answer(session, await questionIn(session), "yes")
      expect(agent.events).toContain("agent1 prompt also")
      const story = await session.story()
      expect(story).toContain(`done ${seq}`)
      expect(story.filter((line) => line.startsWith("turn_ended"))).toHaveLength(canSteer ? 1 : 2)
    }
  })

  it("fail when the agent cannot start, and say why", async () => {
    const session = await createTestSession()
    const seq = await session.prompt("hello")
    await session.start(createScriptedAgent(echo, { failsToStart: true }))
    const story = await session.story()
    expect(story).toContain("turn_ended failed: The agent could not be started: no such program")
    expect(story).toContain(`done ${seq}`)
  })

  it("fail when the agent is not ready in time; one that comes late is ended", async () => {
    const session = await createTestSession()
    await session.prompt("hello")
    const late = Promise.withResolvers<void>()
    const agent = createScriptedAgent(echo)
    const start: typeof agent.launcher.start = async (options) => {
      await late.promise
      return agent.launcher.start(options)
    }
    await session.start({ ...agent, launcher: { start } })
    await session.clock.advance(61_000)
    const story = await session.story()
    expect(story).toContain("turn_ended failed: The agent could not be started: it was not ready after 60 s")
    expect(story).toContain("agent exited")
    late.resolve()
    await settle()
    expect(agent.events).toContain("agent1 kill")
  })

  it("fail when the agent's process ends; the next prompt starts it again with its conversation", async () => {
    const session = await createTestSession()
    const script: Script = async (prompt, context) => {
      if (prompt === "die") {
        context.exit(7)
        await new Promise(() => {})
      }
      return echo(prompt, context)
    }
    const agent = createScriptedAgent(script)
    await session.start(agent)
    await session.prompt("die")
    await session.prompt("live")
    await settle()
    const story = await session.story()
    expect(story).toContain("turn_ended failed: The agent's process ended with exit code 7.")
    expect(story).toContain("agent exited")
    expect(story).toContain("agent connected resumed")
    expect(story).not.toContain("say replayed")
    expect(agent.events).toContain("agent2 load conversation-of-agent1")
    expect(agent.events).toContain("agent2 prompt live")
  })

  it("say so when the conversation cannot be restored", async () => {
    const session = await createTestSession()
    await session.prompt("one")
    const runner = await session.start(createScriptedAgent(echo))
    await session.submit({ method: "_berth/release", params: { reason: "idle" } })
    await session.clock.advance(5_000)
    await runner.ended
    await session.prompt("two")
    await session.start(createScriptedAgent(echo, { loadFails: true }))
    const story = await session.story()
    expect(story).toContain("error conversation_lost")
    expect(story.at(-1)).toMatch(/^done/)
  })

  it("end after 24 hours", async () => {
    const session = await createTestSession()
    await session.prompt("long")
    // Renewals would be most of the work of this test.
    const patient = (link: RunnerLink): RunnerLink => ({
      ...link,
      attach: async (request) => ({ ...(await link.attach(request)), leaseTtlMs: 1e12 }),
    })
    await session.start(createScriptedAgent(waitForCancel), { wrapLink: patient })
    await session.clock.advance(24 * 3_600_000 + 5_000)
    expect(await session.story()).toContain("turn_ended failed: The turn took longer than 24 hours.")
  })
})

describe("cancel", () => {
  it("ends the turn that is open at its own place in the log", async () => {
    const session = await createTestSession()
    await session.prompt("wait")
    await session.start(createScriptedAgent(waitForCancel))
    const seq = await session.submit({ method: "session/cancel", params: {} })
    await settle()
    const story = await session.story()
    expect(story).toContain("turn_ended cancelled")
    expect(story).toContain(`done ${seq}`)
  })

  it("is declined when no turn is open, and leaves queued prompts alone", async () => {
    const session = await createTestSession()
    const seq = await session.submit({ method: "session/cancel", params: {} })
    const prompt = await session.prompt("stay")
    await session.start(createScriptedAgent(echo))
    const story = await session.story()
    expect(story).toContain(`declined ${seq}: No turn was open.`)
    expect(story).toContain(`done ${prompt}`)
  })

  it("does not reach the next turn when its own has ended meanwhile", async () => {
    const session = await createTestSession()
    const cut = Promise.withResolvers<void>()
    let isCut = false
    // Commands are late: the runner hears of the cancel only after the first turn ended and the second began.
    const late = (link: RunnerLink): RunnerLink => ({
      ...link,
      async *commands(after, { signal }) {
        for await (const entries of link.commands(after, { signal })) {
          if (
            entries.some(
              (entry) => entry.type === "client_message" && entry.message.method === "session/cancel",
            ) &&
            !isCut
          ) {
            isCut = true
            await cut.promise
          }
          yield entries
        }
      },
    })
    const gate = Promise.withResolvers<void>()
    const agent = createScriptedAgent(async (prompt, context) => {
      if (prompt === "first") await gate.promise
      else await waitForCancel(prompt, context)
      return "end_turn"
    })
    await session.prompt("first")
    await session.prompt("second")
    await session.start(agent, { wrapLink: late })
    const seq = await session.submit({ method: "session/cancel", params: {} })
    await settle()
    gate.resolve()
    await settle()
    expect(agent.events).toContain("agent1 prompt second")
    cut.resolve()
    await settle()
    expect(await session.story()).toContain(`declined ${seq}: The turn had ended.`)
    expect(agent.events).not.toContain("agent1 cancel")
  })

  it("kills an agent that does not obey, and takes the next prompt with its conversation", async () => {
    const session = await createTestSession()
    const agent = createScriptedAgent(async (prompt, context) => {
      if (prompt === "stuck") await new Promise(() => {})
      return echo(prompt, context)
    })
    await session.prompt("stuck")
    await session.start(agent)
    await session.submit({ method: "session/cancel", params: {} })
    await session.prompt("next")
    await session.clock.advance(1_400)
    expect(agent.events).not.toContain("agent1 kill")
    await session.clock.advance(200)
    expect(agent.events.slice(-4)).toEqual([
      "agent1 kill",
      "agent2 start",
      "agent2 load conversation-of-agent1",
      "agent2 prompt next",
    ])
    expect(await session.story()).toContain("turn_ended cancelled")
  })

  it("ends a turn whose agent is still starting", async () => {
    const session = await createTestSession()
    await session.prompt("hello")
    const agent = createScriptedAgent(echo)
    await session.start({ ...agent, launcher: { start: () => new Promise(() => {}) } })
    await session.submit({ method: "session/cancel", params: {} })
    await settle()
    expect(await session.story()).toContain("turn_ended cancelled")
  })
})

describe("questions", () => {
  it("hold the agent until somebody answers", async () => {
    const session = await createTestSession()
    await session.prompt("rm -rf /tmp/x")
    await session.start(createScriptedAgent(askFirst))
    expect((await session.head()).status).toBe("awaiting_input")
    const seq = await answer(session, await questionIn(session), "yes")
    const story = await session.story()
    expect(story).toContain("say answer yes")
    expect(story).toContain(`done ${seq}`)
    expect((await session.head()).status).toBe("idle")
  })

  it("are not put where the policy decides", async () => {
    const rules = [
      { tool: "execute", pattern: "git *", action: "allow" as const },
      { tool: "*", action: "deny" as const },
    ]
    for (const [prompt, expected] of [
      ["git log", "yes"],
      ["rm -rf .", "no"],
      ["git log; rm -rf .", "no"],
    ] as const) {
      const session = await createTestSession({ permissions: rules })
      await session.prompt(prompt)
      await session.start(
        createScriptedAgent(async (text, { say, handlers }) => {
          const request = {
            toolCall: { toolCallId: "t", kind: "execute", rawInput: { command: text } },
            options,
          }
          say(`answer ${await handlers.requestPermission(request, new AbortController().signal)}`)
          return "end_turn"
        }),
      )
      expect(await session.story()).toContain(`say answer ${expected}`)
      expect((await session.head()).questions).toEqual([])
    }
  })

  it("go by a policy that changed while the session ran", async () => {
    const session = await createTestSession()
    await session.start(createScriptedAgent(askFirst))
    await session.stores.log.submit(session.log, {
      key: "patch",
      entries: [
        {
          origin: "server",
          body: {
            type: "notification",
            notification: {
              jsonrpc: "2.0",
              method: "_berth/session_updated",
              params: { sessionId: "s", permissions: "auto" },
            },
          },
        },
      ],
    })
    await session.prompt("anything")
    await settle()
    expect(await session.story()).toContain("say answer yes")
  })

  it("let the agent go when they expire; a later answer starts a turn that says what was asked", async () => {
    const session = await createTestSession()
    await session.prompt("rm -rf /tmp/x")
    await session.start(createScriptedAgent(askFirst))
    const questionId = await questionIn(session)
    await session.clock.advance(600_000)
    expect((await session.head()).turn).not.toBeNull()
    await session.clock.advance(3_100)
    const story = await session.story()
    expect(story).toContain("say answer null")
    expect(story).toContain("turn_ended interrupted: Nobody answered in time: rm -rf /tmp/x")
    const seq = await answer(session, questionId, "yes", {
      kind: "permission",
      message: "rm -rf /tmp/x",
      choice: "Allow",
    })
    const after = (await session.story()).join("\n")
    expect(after).toContain("> rm -rf /tmp/x")
    expect(after).toContain("The answer: Allow.")
    expect(after).toContain(`done ${seq}`)
  })

  it("are let go by a cancel", async () => {
    const session = await createTestSession()
    await session.prompt("rm")
    await session.start(createScriptedAgent(askFirst))
    await session.submit({ method: "session/cancel", params: {} })
    await settle()
    const story = await session.story()
    expect(story).toContain("say answer null")
    expect(story).toContain("turn_ended cancelled")
  })

  it("of a checkpoint outlive turn and sandbox", async () => {
    const session = await createTestSession()
    await session.prompt("draft")
    const runner = await session.start(createScriptedAgent(echo))
    const told = await runner
      .tools()
      .checkpoint({ message: "Is the draft fine?", stage: "draft", isFinal: false })
    expect(told.text).toContain("End your turn now")
    await settle()
    const questionId = await questionIn(session)
    await session.submit({ method: "_berth/release", params: { reason: "idle" } })
    await session.clock.advance(5_000)
    expect(await runner.ended).toBe("released")
    await answer(session, questionId, "approve", {
      kind: "checkpoint",
      message: "Is the draft fine?",
      choice: "Approve",
    })
    const agent = createScriptedAgent(echo)
    await session.start(agent)
    const prompt = agent.events.find((event) => event.includes("prompt")) ?? ""
    expect(prompt).toContain("> Is the draft fine?")
    expect(prompt).toContain("The answer: Approve.")
  })

  it("of the user tool wait for words", async () => {
    const session = await createTestSession()
    const runner = await session.start(createScriptedAgent(echo))
    const asked = runner
      .tools()
      .askUser({ message: "Which?", options: ["left", "right"] }, new AbortController().signal)
    await settle()
    await answer(session, await questionIn(session), "option-2")
    expect(await asked).toEqual({ text: "right", isError: false })
  })
})

describe("the relation to the log", () => {
  const away = (link: RunnerLink, isAway: () => boolean): RunnerLink => {
    const guard =
      <Arguments extends unknown[], Value>(call: (...values: Arguments) => Promise<Value>) =>
      async (...values: Arguments): Promise<Value> => {
        if (isAway()) throw new AppError("unavailable", "away")
        return call(...values)
      }
    return {
      attach: guard(link.attach),
      append: guard(link.append),
      renew: guard(link.renew),
      restored: guard(link.restored),
      release: guard(link.release),
      blobs: { missing: guard(link.blobs.missing), put: guard(link.blobs.put), get: guard(link.blobs.get) },
      async *commands(after, { signal }) {
        const cut = new AbortController()
        const poll = setInterval(() => isAway() && cut.abort(), 1)
        try {
          if (isAway()) throw new AppError("unavailable", "away")
          yield* link.commands(after, { signal: AbortSignal.any([signal, cut.signal]) })
        } finally {
          clearInterval(poll)
        }
      },
    }
  }

  it("outlasts a server that is away; nothing is missing or doubled", async () => {
    const session = await createTestSession()
    let isAway = false
    const gate = Promise.withResolvers<void>()
    const agent = createScriptedAgent(async (_, { say }) => {
      for (let index = 0; index < 500; index += 1) say(`before ${index}`)
      await gate.promise
      for (let index = 0; index < 500; index += 1) say(`away ${index}`)
      return "end_turn"
    })
    await session.prompt("stream")
    const runner = await session.start(agent, { wrapLink: (link) => away(link, () => isAway) })
    isAway = true
    gate.resolve()
    await session.clock.advance(30_000)
    expect(await session.story()).not.toContain("say away 0")
    expect(runner.spool.lines.size).toBeGreaterThan(500)
    isAway = false
    await session.clock.advance(1_000)
    const said = (await session.story()).filter((line) => line.startsWith("say "))
    const expected = ["before", "away"].flatMap((word) =>
      Array.from({ length: 500 }, (_, index) => `say ${word} ${index}`),
    )
    expect(said).toEqual(expected)
    expect(runner.spool.lines.size).toBe(0)
    await session.prompt("again")
    await settle()
    expect(agent.events).toContain("agent1 prompt again")
    expect(agent.events.filter((event) => event.endsWith("start"))).toHaveLength(1)
  })

  it("survives acknowledgements that are lost or come twice", async () => {
    const session = await createTestSession()
    let calls = 0
    const lossy = (link: RunnerLink): RunnerLink => ({
      ...link,
      append: async (firstN, bodies) => {
        const answered = await link.append(firstN, bodies)
        calls += 1
        if (calls % 2 === 1) throw new AppError("unavailable", "the answer was lost")
        return answered
      },
    })
    await session.prompt("one")
    await session.start(createScriptedAgent(echo), { wrapLink: lossy })
    for (let index = 0; index < 20; index += 1) await session.clock.advance(300)
    const story = await session.story()
    expect(story.filter((line) => line === "say you said one")).toHaveLength(1)
    expect(story.filter((line) => line === "turn_ended completed")).toHaveLength(1)
  })

  it("ends at once when another runner holds the session", async () => {
    const session = await createTestSession()
    const agent = createScriptedAgent(waitForCancel)
    await session.prompt("wait")
    const runner = await session.start(agent)
    await session.start(createScriptedAgent(echo))
    await session.clock.advance(10_000)
    expect(await runner.ended).toBe("fenced")
    expect(agent.events).toContain("agent1 kill")
    expect(runner.isStopped()).toBe(true)
  })

  it("ends when nobody answers for too long, with a snapshot in the spool", async () => {
    const session = await createTestSession()
    let isAway = false
    await session.prompt("wait")
    const runner = await session.start(createScriptedAgent(waitForCancel), {
      wrapLink: (link) => away(link, () => isAway),
      orphanTimeoutMs: 60_000,
    })
    session.files.content.set("made.txt", new TextEncoder().encode("by the agent"))
    isAway = true
    await session.clock.advance(70_000)
    expect(await runner.ended).toBe("orphaned")
    const kept = [...runner.spool.lines.values()].join("\n")
    expect(kept).toContain('"outcome":"interrupted"')
    expect(kept).toContain("_berth/snapshot")
  })

  it("says what of an agent's output the log does not take", async () => {
    const session = await createTestSession()
    await session.prompt("odd")
    await session.start(
      createScriptedAgent(async (_, { handlers, say }) => {
        handlers.update({ sessionUpdate: "made_up" })
        say("x".repeat(9 * 1024 * 1024))
        say("after")
        return "end_turn"
      }),
    )
    const story = await session.story()
    expect(story).toContain("error bad_agent_update")
    expect(story).toContain("output_truncated")
    expect(story).toContain("say after")
  })

  it("replaces an entry that the log refuses, and goes on", async () => {
    const session = await createTestSession()
    const picky = (link: RunnerLink): RunnerLink => ({
      ...link,
      append: async (firstN, bodies) => {
        if (JSON.stringify(bodies).includes("poison")) throw new AppError("bad_params", "no")
        return link.append(firstN, bodies)
      },
    })
    await session.prompt("go")
    await session.start(
      createScriptedAgent(async (_, { say }) => {
        for (const word of ["one", "poison", "two"]) say(word)
        return "end_turn"
      }),
      { wrapLink: picky },
    )
    const story = await session.story()
    expect(story.filter((line) => /^say|truncated/.test(line))).toEqual([
      "say one",
      "output_truncated",
      "say two",
    ])
  })
})

describe("the end of a runner", () => {
  it("gives the sandbox back with a snapshot, and the next one has its files and conversation", async () => {
    const session = await createTestSession()
    await session.prompt("one")
    const runner = await session.start(createScriptedAgent(echo))
    session.files.content.set("kept.txt", new TextEncoder().encode("yes"))
    const seq = await session.submit({ method: "_berth/release", params: { reason: "idle" } })
    await session.clock.advance(2_000)
    expect(await runner.ended).toBe("released")
    const story = await session.story()
    expect(story.slice(-3)).toEqual(["snapshot", `done ${seq}`, "sandbox released"])
    session.files.content.clear()
    await session.prompt("two")
    const agent = createScriptedAgent(echo)
    await session.start(agent)
    expect(session.files.content.has("kept.txt")).toBe(true)
    expect(agent.events).toContain("agent1 load conversation-of-agent1")
  })

  it("declines a release when work came before or behind it", async () => {
    const session = await createTestSession()
    const release = await session.submit({ method: "_berth/release", params: { reason: "idle" } })
    const prompt = await session.prompt("work")
    await session.start(createScriptedAgent(echo))
    const story = await session.story()
    expect(story).toContain(`declined ${release}: There is work again.`)
    expect(story).toContain(`done ${prompt}`)
  })

  it("declines a release when work comes while the last snapshot is taken", async () => {
    const session = await createTestSession()
    const gate = Promise.withResolvers<void>()
    let isHeld = false
    const slow = (link: RunnerLink): RunnerLink => ({
      ...link,
      blobs: {
        ...link.blobs,
        put: async (hash, content) => {
          isHeld = true
          await gate.promise
          return link.blobs.put(hash, content)
        },
      },
    })
    const runner = await session.start(createScriptedAgent(echo), { wrapLink: slow })
    const release = await session.submit({ method: "_berth/release", params: { reason: "idle" } })
    await session.clock.advance(2_000)
    expect(isHeld).toBe(true)
    const prompt = await session.prompt("work")
    await settle()
    gate.resolve()
    await settle()
    const story = await session.story()
    expect(story).toContain(`declined ${release}: There is work again.`)
    expect(story).toContain(`done ${prompt}`)
    expect(story).not.toContain("sandbox released")
    runner.stop()
    await session.clock.advance(2_000)
    expect(await runner.ended).toBe("stopped")
  })

  it("on close interrupts the turn, declines what waits, and leaves the closing to our side", async () => {
    const session = await createTestSession()
    await session.prompt("wait")
    const waiting = await session.prompt("never")
    const runner = await session.start(createScriptedAgent(waitForCancel))
    await session.submit({ method: "_berth/close", params: {} })
    await session.clock.advance(3_000)
    expect(await runner.ended).toBe("closed")
    const story = await session.story()
    expect(story).toContain("turn_ended interrupted: The session was closed.")
    expect(story).toContain(`declined ${waiting}: The session is being closed.`)
    expect((await session.head()).commands).toMatchObject([{ method: "_berth/close", state: "queued" }])
  })

  it("on a stop interrupts the turn, snapshots and releases; queued prompts stay", async () => {
    const session = await createTestSession()
    await session.prompt("wait")
    const waiting = await session.prompt("later")
    const runner = await session.start(createScriptedAgent(waitForCancel))
    session.files.content.set("made.txt", new TextEncoder().encode("by the agent"))
    runner.stop()
    await session.clock.advance(3_000)
    expect(await runner.ended).toBe("stopped")
    const story = await session.story()
    expect(story).toContain("turn_ended interrupted: The runner was stopped.")
    expect(story.slice(-2)).toEqual(["snapshot", "sandbox released"])
    expect((await session.head()).commands).toMatchObject([{ seq: waiting, state: "queued" }])
  })

  it("fails the turn when the disk is full, and keeps the last good snapshot", async () => {
    const session = await createTestSession()
    await session.prompt("wait")
    const runner = await session.start(createScriptedAgent(waitForCancel))
    runner.fillDisk()
    await session.clock.advance(3_000)
    expect(await runner.ended).toBe("disk_full")
    const story = await session.story()
    expect(story).toContain("error disk_full")
    expect(story.find((line) => line.startsWith("turn_ended"))).toMatch(/^turn_ended failed/)
    expect(story).not.toContain("snapshot")
  })

  it("refuses to work on an empty workspace when there was one to restore", async () => {
    const session = await createTestSession()
    await session.prompt("one")
    const runner = await session.start(createScriptedAgent(echo))
    runner.stop()
    await session.clock.advance(3_000)
    await runner.ended
    const prompt = await session.prompt("two")
    const gone = (link: RunnerLink): RunnerLink => ({
      ...link,
      blobs: { ...link.blobs, get: async () => null },
    })
    const next = await session.start(createScriptedAgent(echo), { wrapLink: gone })
    await session.clock.advance(3_000)
    expect(await next.ended).toBe("restore_failed")
    const story = await session.story()
    expect(story).toContain("error restore_failed")
    expect(story).toContain(`declined ${prompt}: The workspace could not be restored: the manifest is gone`)
  })
})

describe("other commands", () => {
  it("set mode and options, and say when the agent refuses", async () => {
    const session = await createTestSession()
    const agent = createScriptedAgent(echo)
    await session.start(agent)
    const good = await session.submit({ method: "session/set_mode", params: { modeId: "plan" } })
    const bad = await session.submit({ method: "session/set_mode", params: { modeId: "bad" } })
    const option = await session.submit({
      method: "session/set_config_option",
      params: { configId: "model", value: "m" },
    })
    await settle()
    expect(agent.events).toEqual(["agent1 start", "agent1 new", "agent1 mode plan", "agent1 option model=m"])
    const story = await session.story()
    expect(story).toContain(`done ${good}`)
    expect(story).toContain(`declined ${bad}: no such mode`)
    expect(story).toContain(`done ${option}`)
  })

  it("write a file whose base fits, and put it beside one that moved", async () => {
    const session = await createTestSession()
    const upload = async (text: string): Promise<string> => {
      const { hash } = await session.stores.blobs.put(session.project, new Blob([text]).stream())
      return hash
    }
    const [one, two] = [await upload("one"), await upload("two")]
    await session.start(createScriptedAgent(echo))
    const change = (path: string, hash: string | null, baseHash: string | null) =>
      session.submit({ method: "_berth/file_change", params: { path, hash, baseHash } })
    const read = (path: string): string | undefined => {
      const bytes = session.files.content.get(path)
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
    }
    await change("docs/a.txt", one, null)
    await settle()
    expect(read("docs/a.txt")).toBe("one")
    const seq = await change("docs/a.txt", two, null)
    await settle()
    expect(read("docs/a.txt")).toBe("one")
    expect(read(`docs/a (conflict ${seq}).txt`)).toBe("two")
    await change("docs/a.txt", two, one)
    const kept = await change("docs/a.txt", null, one)
    const missing = await change("b.txt", "0".repeat(64), null)
    await settle()
    expect(read("docs/a.txt")).toBe("two")
    const story = await session.story()
    expect(story).toContain("file_conflict")
    expect(story.find((line) => line.startsWith(`declined ${kept}`))).toContain("not deleted")
    expect(story.find((line) => line.startsWith(`declined ${missing}`))).toContain("Upload it first")
    await change("docs/a.txt", null, two)
    await settle()
    expect(read("docs/a.txt")).toBeUndefined()
    expect((await session.story()).at(-1)).toBe("snapshot")
  })

  it("publish a file of the workspace as an artifact", async () => {
    const session = await createTestSession()
    const runner = await session.start(createScriptedAgent(echo))
    session.files.content.set("out/a.png", new Uint8Array([1, 2, 3]))
    expect(await runner.tools().publishArtifact({ path: "/workspace/out/a.png" })).toMatchObject({
      isError: false,
    })
    expect(await runner.tools().publishArtifact({ path: "none.png" })).toMatchObject({ isError: true })
    await settle()
    const artifact = (await session.entries()).find(
      (entry) => entry.type === "notification" && entry.notification.method === "_berth/artifact",
    )
    expect(artifact).toMatchObject({
      notification: { params: { path: "out/a.png", type: "image", size: 3 } },
    })
  })

  it("reach the runner when they were spilled to a blob", async () => {
    const session = await createTestSession()
    const message = {
      jsonrpc: "2.0",
      method: "session/prompt",
      params: { prompt: [{ type: "text", text: "long" }] },
    }
    const body = JSON.stringify({ type: "client_message", message, key: "k" })
    const { hash, size } = await session.stores.blobs.put(session.project, new Blob([body]).stream())
    await session.stores.log.submit(session.log, {
      key: "k",
      entries: [
        { origin: "client", body: { type: "spilled", method: "session/prompt", blob: hash, size, key: "k" } },
      ],
    })
    await session.start(createScriptedAgent(echo))
    expect(await session.story()).toContain("say you said long")
  })
})
