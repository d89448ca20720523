import type { AcpUpdate, ChatEvent, Entry, EntryBody, Notification } from "@berth/protocol"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createChatState, maxMessageLength, maxToolCalls, type ChatState } from "./chat-state.ts"
import { projectEntry } from "./project-chat.ts"

const sessionId = "s"

type Params<Method extends Notification["method"]> = Extract<Notification, { method: Method }>["params"]

function notify<Method extends Notification["method"]>(
  method: Method,
  params: Omit<Params<Method>, "sessionId">,
): EntryBody {
  const notification = { jsonrpc: "2.0", method, params: { sessionId, ...params } } as unknown as Notification
  return { type: "notification", notification }
}

function update(fields: AcpUpdate): EntryBody {
  return notify("session/update", { update: fields })
}

function place(bodies: readonly EntryBody[]): readonly Entry[] {
  const at = { epoch: 1, timestamp: "2026-01-01T00:00:00.000Z", origin: "sandbox" } as const
  return bodies.map((body, index) => ({ seq: index + 1, ...at, ...body }))
}

function isTurnStart(entry: Entry): boolean {
  return entry.type === "notification" && entry.notification.method === "_berth/turn_started"
}

function project(entries: readonly Entry[], from: ChatState = createChatState()) {
  let state = from
  const told: (readonly ChatEvent[])[] = []
  for (const entry of entries) {
    const projection = projectEntry(state, entry)
    state = projection.state
    told.push(projection.events)
  }
  return { state, told }
}

const toolCallId = fc.constantFrom("a", "b", "c")
const status = fc.constantFrom("pending", "in_progress", "completed", "failed")
const questionId = fc.constantFrom("q1", "q2")
const bodies = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.string(), fc.boolean()).map(([text, isThought]) =>
      update({
        sessionUpdate: isThought ? "agent_thought_chunk" : "agent_message_chunk",
        content: { type: "text", text },
      }),
    ),
  },
  fc.constant(update({ sessionUpdate: "agent_message_chunk", content: { type: "image", data: "x" } })),
  fc
    .tuple(toolCallId, status)
    .map(([id, state]) => update({ sessionUpdate: "tool_call", toolCallId: id, title: id, status: state })),
  fc.tuple(toolCallId, fc.option(status, { nil: undefined }), fc.boolean()).map(([id, state, hasInput]) =>
    update({
      sessionUpdate: "tool_call_update",
      toolCallId: id,
      status: state,
      ...(hasInput ? { rawInput: { a: 1 } } : {}),
    }),
  ),
  fc
    .tuple(questionId, fc.constantFrom("permission" as const, "checkpoint" as const))
    .map(([id, kind]) =>
      notify("_berth/question", { questionId: id, kind, message: "?", options: [], expiresAt: null }),
    ),
  questionId.map((id) =>
    notify("_berth/question_resolved", { questionId: id, answer: { action: "approve" }, by: "local" }),
  ),
  fc.nat(5).map((n) => notify("_berth/usage", { callId: "c", upstream: "x", usage: { inputTokens: n } })),
  fc.nat(9).map((n) => notify("_berth/turn_started", { turnId: `t${n}`, commandSeq: n })),
  fc
    .constantFrom("completed" as const, "lost" as const)
    .map((outcome) => notify("_berth/turn_ended", { turnId: "t", commandSeq: 1, outcome })),
  fc.constant(notify("_berth/sandbox", { state: "lost", generation: 1 })),
)
const logs = fc.array(bodies, { maxLength: 80 }).map(place)

describe("projectEntry", () => {
  it("tells of a prefix a prefix", () => {
    fc.assert(
      fc.property(logs, fc.nat(80), (log, cut) => {
        const whole = project(log).told
        expect(project(log.slice(0, cut)).told).toEqual(whole.slice(0, cut))
      }),
    )
  })

  it("needs no more than the turn a reader left in to go on", () => {
    fc.assert(
      fc.property(logs, fc.nat(80), (log, cut) => {
        const before = log.slice(0, cut)
        const start = before.findLastIndex(isTurnStart)
        const { state } = project(before.slice(Math.max(0, start)))
        expect(project(log.slice(cut), state).told).toEqual(project(log).told.slice(cut))
      }),
    )
  })

  it("tells each step of a call once, in order", () => {
    fc.assert(
      fc.property(logs, (log) => {
        const { told } = project(log)
        const steps = new Map<string, string[]>()
        let turn = 0
        log.forEach((entry, index) => {
          for (const event of told[index] ?? []) {
            if (event.type !== "system") continue
            const call = `${turn}/${event.toolCallId}`
            steps.set(call, [...(steps.get(call) ?? []), event.subtype])
          }
          if (isTurnStart(entry)) turn += 1
        })
        const all = ["tool_start", "tool_call", "tool_result", "tool_done"]
        for (const seen of steps.values()) expect(seen).toEqual(all.slice(0, seen.length))
      }),
    )
  })

  it("says each text in pieces, then whole", () => {
    fc.assert(
      fc.property(logs, (log) => {
        const events = project(log).told.flat()
        const inPieces = new Map<string, string>()
        for (const event of events) {
          if (event.type !== "text_delta") continue
          inPieces.set(event.messageId, (inPieces.get(event.messageId) ?? "") + event.text)
        }
        const whole = events.filter((event) => event.type === "assistant_message")
        const pieces = whole.map(({ messageId }) => inPieces.get(messageId))
        expect(whole.map(({ text }) => text)).toEqual(pieces)
      }),
    )
  })

  it("holds no more than its bounds, whatever an agent sends", () => {
    const calls = Array.from({ length: maxToolCalls + 50 }, (_, index) =>
      update({ sessionUpdate: "tool_call", toolCallId: String(index), title: "x".repeat(10_000) }),
    )
    const long = Array.from({ length: 8 }, () =>
      update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: "y".repeat(60_000) } }),
    )
    const { state, told } = project(
      place([
        ...calls,
        ...long,
        notify("_berth/turn_ended", { turnId: "t", commandSeq: 1, outcome: "completed" }),
      ]),
    )
    expect(state.toolCalls.size).toBe(maxToolCalls)
    const [whole] = told.flat().filter((event) => event.type === "assistant_message")
    expect(whole).toMatchObject({ truncated: true })
    expect(whole?.type === "assistant_message" && whole.text.length).toBe(maxMessageLength)
  })

  it("ends a turn that waits for a checkpoint with it", () => {
    const { told } = project(
      place([
        notify("_berth/turn_started", { turnId: "t", commandSeq: 1 }),
        notify("_berth/question", {
          questionId: "q",
          kind: "checkpoint",
          message: "Ok?",
          options: [],
          expiresAt: null,
          stage: "boards",
          artifacts: ["a.png"],
        }),
        notify("_berth/turn_ended", { turnId: "t", commandSeq: 1, outcome: "completed" }),
      ]),
    )
    const checkpoint = {
      id: "q",
      stage: "boards",
      status: "complete",
      state: "pending",
      type: "image",
      artifact: "a.png",
      message: "Ok?",
    }
    expect(told[1]).toMatchObject([{ type: "checkpoint", checkpoint, awaitingInput: true }])
    expect(told[2]).toMatchObject([
      { type: "complete", checkpoint, awaitingInput: true, exitCode: 0 },
      { type: "done" },
    ])
  })
})
