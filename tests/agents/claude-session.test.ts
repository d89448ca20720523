import { EventSource } from "eventsource"
import type { Entry } from "@berth/protocol"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { isNotification, type ApiClient } from "../support/api-client.ts"
import { dense, endOf, outcomeOf, questionOf, seqsOf } from "../support/turns.ts"
import { missingFor } from "./agent-cache.ts"
import { countOf, operatorKey, startAgentServer, wordsOf, type AgentServer } from "./agent-server.ts"

/** The main job with the real Claude program: browser side, server, supervisor, gateway, sandbox; only the model is a stand-in. */
let berth: AgentServer
let api: ApiClient

const missing = missingFor("claude")

beforeAll(async () => {
  if (missing !== null) return
  berth = await startAgentServer(["claude"])
  api = berth.api
}, 300_000)

afterAll(async () => {
  if (missing === null) await berth.stop()
})

beforeEach((context) => {
  if (missing !== null) context.skip(`missing: ${missing}`)
})

async function open(body: Record<string, unknown> = {}): Promise<string> {
  const { id } = await api.createSession({ agent: "claude", ...body })
  return id
}

/** Prompts, waits for the end of the turn, and answers with what became of it. */
async function ask(id: string, text: string): Promise<{ outcome: string; words: string; seq: number }> {
  const seq = await api.prompt(id, text)
  const outcome = await outcomeOf(api, id, seq, 60_000)
  return { outcome, words: wordsOf(await api.log(id), seq), seq }
}

test("text and thinking reach two viewers alike, and usage is the gateway's", async () => {
  const id = await open()
  const viewers = [view(id), view(id)]
  const { outcome, words } = await ask(id, "[[think hm so it is]] [[say hello there my friend]]")
  expect(outcome).toBe("completed")
  expect(words).toBe("hello there my friend")
  const log = await api.log(id)
  expect(wordsOf(log, 0, "agent_thought_chunk")).toBe("hm so it is")
  await api.waitFor(id, (entry) => isNotification(entry, "_berth/usage"))
  const whole = await api.log(id)
  expect(seqsOf(whole)).toEqual(dense(whole))
  for (const viewer of viewers) expect(await viewer.upTo(whole.length)).toEqual(whole)
  const usage = whole.find((entry) => isNotification(entry, "_berth/usage"))
  expect(usage).toMatchObject({
    origin: "server",
    notification: { params: { upstream: "anthropic", usage: { inputTokens: 11, outputTokens: 7 } } },
  })
})

test("a tool runs when it is allowed, and does not when it is not", async () => {
  const id = await open()
  const first = await api.prompt(id, "[[run echo out > made && cat made]]")
  const question = await questionOf(api, id, first)
  await api.submit(id, "_berth/answer", { questionId: question, action: "approve" })
  expect(await outcomeOf(api, id, first, 60_000)).toBe("completed")
  expect(wordsOf(await api.log(id), first)).toBe("The tool said result: out")

  const second = await api.prompt(id, "[[run touch denied]]")
  const again = await questionOf(api, id, second)
  await api.submit(id, "_berth/answer", { questionId: again, action: "reject" })
  expect(await outcomeOf(api, id, second, 60_000)).toBe("completed")
  expect(wordsOf(await api.log(id), second)).toContain("The tool said refused")
  const { words } = await ask(id, "[[run ls]]")
  expect(words).toBe("The tool said result: made")
})

test("the operator's key is nowhere inside, nor in the log", async () => {
  const id = await open({ permissions: "auto" })
  const { words } = await ask(
    id,
    "[[run env; cat /proc/*/environ | tr '\\0' '\\n'; grep -rs sk-operators /home /tmp /run]]",
  )
  expect(words).toContain("ANTHROPIC_API_KEY=")
  expect(words).not.toContain(operatorKey)
  expect(JSON.stringify(await api.log(id))).not.toContain(operatorKey)
  expect(berth.server.output()).not.toContain(operatorKey)
  expect(berth.anthropic.calls.every((call) => call.headers["x-api-key"] === operatorKey)).toBe(true)
})

test("a cancel ends a tool within two seconds, and the next prompt works", async () => {
  const id = await open({ permissions: "auto" })
  const seq = await api.prompt(id, "[[run timeout 60 tail -f /dev/null]]")
  await api.waitFor(id, (entry) => isToolCall(entry, "timeout 60 tail -f /dev/null"), {
    after: seq,
    timeoutMs: 60_000,
  })
  const startedAt = performance.now()
  await api.submit(id, "session/cancel", {})
  expect(await outcomeOf(api, id, seq)).toBe("cancelled")
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  expect((await ask(id, "[[say after]]")).words).toBe("after")
})

test("queued prompts are answered in order, one turn each", async () => {
  const id = await open()
  const seqs: number[] = []
  for (const word of ["one", "two", "three"]) seqs.push(await api.prompt(id, `[[say ${word}]]`))
  await api.waitFor(id, endOf(seqs[2] ?? 0), { timeoutMs: 60_000 })
  const log = await api.log(id)
  expect(wordsOf(log)).toBe("onetwothree")
  expect(countOf(log, "_berth/turn_ended", { outcome: "completed" })).toBe(3)
  expect(countOf(log, "_berth/agent_state", { state: "connected" })).toBe(1)
})

test("model errors end their turn with the reason, and the next prompt works", async () => {
  const id = await open()
  for (const status of [400, 401, 529]) {
    const { outcome, words } = await ask(id, `[[error ${status}]]`)
    expect({ status, outcome }).toEqual({ status, outcome: "failed" })
    expect(words).toContain(`scripted ${status}`)
  }
  expect((await ask(id, "[[say again]]")).words).toBe("again")
})

test("a model stream that is cut is marked in the log", async () => {
  const id = await open()
  const { outcome, words } = await ask(id, "[[cut so far]]")
  expect(outcome).toBe("failed")
  expect(words).toContain("so far")
  const log = await api.log(id)
  expect(countOf(log, "_berth/model_stream_cut")).toBeGreaterThan(0)
  expect((await ask(id, "[[say again]]")).words).toBe("again")
})

test("after its sandbox was given back, it goes on with files and memory", async () => {
  const id = await open({ permissions: "auto", idle_timeout: 1 })
  await ask(id, "[[say what we spoke of]]")
  const { seq: last } = await ask(id, "[[run echo kept > file]]")
  await api.waitFor(id, (entry) => isNotification(entry, "_berth/sandbox", { state: "released" }), {
    after: last,
  })
  const { outcome, words, seq } = await ask(id, "[[recall]]")
  expect(outcome).toBe("completed")
  expect(words).toBe("I remember: what we spoke of")
  const log = (await api.log(id)).filter((entry) => entry.seq > seq)
  expect(countOf(log, "_berth/sandbox", { state: "created", generation: 2 })).toBe(1)
  expect(countOf(log, "_berth/agent_state", { resumed: true })).toBe(1)
  expect((await ask(id, "[[run cat file]]")).words).toBe("The tool said result: kept")
})

test("the server is killed while the model streams, and nothing is lost or doubled", async () => {
  const id = await open()
  await ask(id, "[[say warm]]")
  const seq = await api.prompt(id, "[[say before]] [[wait]] [[say and after]]")
  await api.waitFor(id, (entry) => wordsOf([entry], seq) === "before", { timeoutMs: 60_000 })
  await berth.server.kill()
  berth.anthropic.release()
  await berth.server.start()
  expect(await outcomeOf(api, id, seq, 60_000)).toBe("completed")
  const log = await api.log(id)
  expect(wordsOf(log, seq)).toBe("beforeand after")
  expect(seqsOf(log)).toEqual(dense(log))
  expect(countOf(log, "_berth/agent_state", { state: "connected" })).toBe(1)
  expect(countOf(log, "_berth/model_stream_cut")).toBe(0)
  // Calls without tools are the program's own: it asks for a title.
  const calls = berth.anthropic.calls.filter(
    ({ prompt, body }) => prompt.includes("[[wait]]") && JSON.stringify(body["tools"] ?? []) !== "[]",
  )
  expect(calls).toHaveLength(1)
})

function isToolCall(entry: Entry, command: string): boolean {
  if (entry.type !== "notification" || entry.notification.method !== "session/update") return false
  const { update } = entry.notification.params
  return JSON.stringify(update["rawInput"] ?? "").includes(command)
}

/** A browser's view: everything from the beginning, in the order it came. */
function view(id: string): { upTo(seq: number): Promise<readonly Entry[]> } {
  const entries: Entry[] = []
  const source = new EventSource(`${berth.server.url}/api/sessions/${id}/sync`)
  const watchers = new Set<() => void>()
  source.addEventListener("message", (event) => {
    entries.push(JSON.parse(event.data as string) as Entry)
    for (const watch of watchers) watch()
  })
  return {
    async upTo(seq) {
      await new Promise<void>((resolve) => {
        const watch = (): void => {
          if (entries.length >= seq) resolve()
        }
        watchers.add(watch)
        watch()
      })
      source.close()
      return entries.slice(0, seq)
    },
  }
}
