import type { LogId, SessionId } from "@berth/protocol"
import { describe, expect, it } from "vitest"
import { decide, maxFailedStarts, type Action, type Observation } from "./decide.ts"
import { createHead, type Head, type OpenQuestion } from "./head.ts"

const log = "log_00000000000000000000000000" as LogId
const now = Date.parse("2026-01-01T01:00:00.000Z")
const before = (ms: number): string => new Date(now - ms).toISOString()

function head(change: Partial<Head> = {}): Head {
  return { ...createHead("s" as SessionId), ...change }
}

function sandbox(state: "created" | "attached" | "lost" | "released", generation = 1): Head["sandbox"] {
  return { generation, state, since: before(60_000) }
}

function question(change: Partial<OpenQuestion> = {}): OpenQuestion {
  const base = {
    questionId: "q1",
    kind: "permission" as const,
    seq: 5,
    turnId: "t1",
    message: "?",
    options: [],
  }
  return { ...base, expiresAt: new Date(now + 1000).toISOString(), isExpired: false, ...change }
}

function observe(change: Partial<Observation> = {}): Observation {
  return {
    now,
    head: head(),
    isClosed: false,
    isDeleted: false,
    hasLiveLease: false,
    unattendedMs: 0,
    runners: [],
    idleTimeoutMs: 1_800_000,
    failedStarts: 0,
    ...change,
  }
}

const alive = [{ log, generation: 1, isAlive: true }]
const dead = [{ log, generation: 1, isAlive: false }]
const queued = [{ seq: 1, method: "session/prompt" as const, state: "queued" as const }]
const turn = { turnId: "t1", commandSeq: 1, startedAt: before(1000) }

const table: readonly [string, Partial<Observation>, readonly Action["type"][]][] = [
  ["nothing to do", {}, []],
  ["a first prompt", { head: head({ commands: queued }) }, ["provision"]],
  [
    "a prompt after a release",
    { head: head({ commands: queued, sandbox: sandbox("released") }) },
    ["provision"],
  ],
  ["a prompt while somebody claims", { head: head({ commands: queued }), hasLiveLease: true }, []],
  [
    "a cancel with nothing to cancel",
    { head: head({ commands: [{ seq: 1, method: "session/cancel", state: "queued" }] }) },
    ["finish_commands"],
  ],
  [
    "a release that came too late",
    {
      head: head({
        sandbox: sandbox("lost"),
        commands: [{ seq: 1, method: "_berth/release", state: "queued" }],
      }),
    },
    ["finish_commands"],
  ],
  [
    "close without a sandbox",
    { head: head({ commands: [{ seq: 1, method: "_berth/close", state: "queued" }] }) },
    ["close"],
  ],
  [
    "too many failed starts",
    { head: head({ commands: queued, sandbox: sandbox("lost") }), failedStarts: maxFailedStarts },
    ["fail"],
  ],
  [
    "a healthy turn",
    { head: head({ sandbox: sandbox("attached"), turn }), runners: alive, hasLiveLease: true },
    [],
  ],
  [
    "a dead runner",
    { head: head({ sandbox: sandbox("attached"), turn }), runners: dead, hasLiveLease: true },
    ["mark_lost"],
  ],
  ["a runner that is not there", { head: head({ sandbox: sandbox("created") }) }, ["mark_lost"]],
  [
    "a runner not yet attached again",
    { head: head({ sandbox: sandbox("attached") }), runners: alive, unattendedMs: 5_000 },
    [],
  ],
  [
    "a runner that never came back",
    { head: head({ sandbox: sandbox("attached") }), runners: alive, unattendedMs: 100_000 },
    ["mark_lost"],
  ],
  [
    "a slow start",
    { head: head({ sandbox: sandbox("created") }), runners: alive, unattendedMs: 100_000 },
    [],
  ],
  [
    "idle for long",
    {
      head: head({ sandbox: sandbox("attached"), lastActivityAt: before(1_900_000) }),
      runners: alive,
      hasLiveLease: true,
      idleTimeoutMs: 50_000,
    },
    ["request_release"],
  ],
  [
    "idle, with a checkpoint open",
    {
      head: head({
        sandbox: sandbox("attached"),
        questions: [question({ kind: "checkpoint", expiresAt: null })],
      }),
      runners: alive,
      hasLiveLease: true,
      idleTimeoutMs: 50_000,
    },
    ["request_release"],
  ],
  [
    "idle, but a permission holds",
    {
      head: head({ sandbox: sandbox("attached"), turn, questions: [question()] }),
      runners: alive,
      hasLiveLease: true,
      idleTimeoutMs: 50_000,
    },
    [],
  ],
  [
    "a permission's time is up",
    {
      head: head({ sandbox: sandbox("attached"), turn, questions: [question({ expiresAt: before(1) })] }),
      runners: alive,
      hasLiveLease: true,
    },
    ["expire_question"],
  ],
  [
    "a question whose turn ended",
    {
      head: head({ sandbox: sandbox("attached"), questions: [question()] }),
      runners: alive,
      hasLiveLease: true,
    },
    ["settle_question"],
  ],
  [
    "a question whose hold ended while the server was away",
    {
      head: head({
        sandbox: sandbox("attached"),
        questions: [question()],
        lastTurn: { turnId: "t1", outcome: "interrupted" },
      }),
      runners: alive,
      hasLiveLease: true,
    },
    ["expire_question"],
  ],
  ["an expired question stays", { head: head({ questions: [question({ isExpired: true })] }) }, []],
  [
    "a checkpoint waits for days",
    {
      head: head({
        sandbox: sandbox("released"),
        questions: [question({ kind: "checkpoint", expiresAt: null })],
      }),
    },
    [],
  ],
  [
    "what a released runner left",
    { head: head({ sandbox: sandbox("released") }), runners: dead },
    ["remove_runner"],
  ],
  [
    "an older generation still alive",
    {
      head: head({ sandbox: sandbox("attached", 2) }),
      runners: [...alive, { log, generation: 2, isAlive: true }],
      hasLiveLease: true,
    },
    ["remove_runner"],
  ],
  [
    "a command left accepted",
    {
      head: head({
        sandbox: sandbox("released"),
        commands: [{ seq: 1, method: "session/prompt", state: "accepted" }],
      }),
    },
    ["mark_lost"],
  ],
  [
    "deleted while running",
    {
      isDeleted: true,
      head: head({ sandbox: sandbox("attached"), turn }),
      runners: alive,
      hasLiveLease: true,
    },
    ["remove_runner", "bury"],
  ],
  ["closed with a runner left", { isClosed: true, runners: alive }, ["remove_runner"]],
]

describe("decide", () => {
  it.each(table)("%s", (_name, change, expected) => {
    expect(decide(observe(change)).actions.map((action) => action.type)).toEqual(expected)
  })

  it("looks again when the next deadline is due", () => {
    const expiresAt = new Date(now + 400).toISOString()
    const questions = [question({ expiresAt })]
    const seen = observe({
      head: head({ sandbox: sandbox("attached"), turn, questions }),
      runners: alive,
      hasLiveLease: true,
    })
    expect(decide(seen).wakeAt).toBe(now + 400)
  })

  it("provisions the next generation", () => {
    const seen = observe({ head: head({ commands: queued, sandbox: sandbox("lost", 7) }) })
    expect(decide(seen).actions).toEqual([{ type: "provision", generation: 8 }])
  })
})
