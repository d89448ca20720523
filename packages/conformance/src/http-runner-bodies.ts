import { expect } from "vitest"
import type { RunnerFixture, TestRunner } from "./http-fixture.ts"

/** Bodies that a runner sends, as plain JSON. */
export function notification(method: string, params: Readonly<Record<string, unknown>>): unknown {
  return { type: "notification", notification: { jsonrpc: "2.0", method, params } }
}

export function update(sessionUpdate: string, fields: Readonly<Record<string, unknown>>): unknown {
  return notification("session/update", { update: { sessionUpdate, ...fields } })
}

export function text(words: string, kind = "agent_message_chunk"): unknown {
  return update(kind, { content: { type: "text", text: words } })
}

export function turnStarted(turnId: string, commandSeq: number): unknown {
  return notification("_berth/turn_started", { turnId, commandSeq })
}

export function turnEnded(turnId: string, commandSeq: number, outcome = "completed"): unknown {
  return notification("_berth/turn_ended", { turnId, commandSeq, outcome })
}

export function commandDone(commandSeq: number): unknown {
  return notification("_berth/command_state", { commandSeq, state: "done" })
}

export function question(questionId: string, fields: Readonly<Record<string, unknown>> = {}): unknown {
  const options = [
    { optionId: "yes", name: "Allow", kind: "allow_once" },
    { optionId: "no", name: "Reject", kind: "reject_once" },
  ]
  const base = { questionId, kind: "permission", message: "May I?", options, expiresAt: null }
  return notification("_berth/question", { ...base, ...fields })
}

export interface AttachedRunner {
  readonly runner: TestRunner
  /** Numbers go on from the last batch. */
  send(bodies: readonly unknown[]): Promise<void>
}

/** A runner that has attached, whose batches are all taken. */
export async function attach(fixture: RunnerFixture, logId: string): Promise<AttachedRunner> {
  const runner = await fixture.openRunner(logId)
  const body = JSON.stringify({ protocol: 1, isolation: { level: "none" } })
  const headers = { "content-type": "application/json" }
  const response = await runner.fetch("/attach", { method: "POST", headers, body })
  expect(response.status).toBe(200)
  let { lastN } = (await response.json()) as { lastN: number }
  return {
    runner,
    async send(bodies) {
      const answer = await append(runner, lastN + 1, bodies)
      expect(answer.status).toBe(200)
      lastN += bodies.length
      expect(await answer.json()).toEqual({ lastN })
    },
  }
}

export function append(runner: TestRunner, firstN: number, bodies: readonly unknown[]): Promise<Response> {
  const lines = bodies.map((body) => `${JSON.stringify(body)}\n`).join("")
  return runner.fetch(`/append?firstN=${firstN}`, { method: "POST", body: lines })
}
