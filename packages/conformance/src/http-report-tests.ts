import { expect } from "vitest"
import type { SuiteTests } from "./define-suite.ts"
import { createSession, expectError, type RunnerFixture } from "./http-fixture.ts"

const usage = { inputTokens: 10, outputTokens: 5, usd: 0.25 }

interface ReadEntry {
  readonly origin: string
  readonly notification: { readonly method: string; readonly params: Readonly<Record<string, unknown>> }
}

async function entriesOf(fixture: RunnerFixture, id: string): Promise<readonly ReadEntry[]> {
  const page = (await (await fixture.fetch(`/api/sessions/${id}/log`)).json()) as { entries: ReadEntry[] }
  return page.entries
}

function lines(reports: readonly unknown[]): string {
  return reports.map((report) => `${JSON.stringify(report)}\n`).join("")
}

/** What the gateway tells of calls that left a sandbox. */
export const httpReportTests: SuiteTests<RunnerFixture> = {
  "usage is counted once, however often it is told": async (fixture) => {
    const { id, log_id: logId } = await createSession(fixture)
    const report = { id: "r1", logId, type: "usage", callId: "c1", upstream: "anthropic", model: "m", usage }
    const second = { ...report, id: "r2", callId: "c2", isEstimate: true, spent: { tokens: 30, usd: 0.5 } }
    const send = async (): Promise<unknown> => (await fixture.report(lines([report, second]))).json()
    expect(await send()).toEqual({ accepted: ["r1", "r2"] })
    expect(await send()).toEqual({ accepted: ["r1", "r2"] })
    const record = (await (await fixture.fetch(`/api/sessions/${id}`)).json()) as { usage: unknown }
    expect(record.usage).toMatchObject({ inputTokens: 20, outputTokens: 10, usd: 0.5 })
    const entries = await entriesOf(fixture, id)
    expect(entries.map((entry) => [entry.origin, entry.notification.params["estimated"]])).toEqual([
      ["server", undefined],
      ["server", true],
    ])
  },
  "a spent budget, a cut stream and a refusal are entries": async (fixture) => {
    const { id, log_id: logId } = await createSession(fixture)
    const base = { logId, generation: 1, at: "2026-01-01T00:00:00.000Z" }
    const reports = [
      { ...base, id: "r1", type: "budget", state: "exhausted", limit: { usd: 1 }, spent: { usd: 1.5 } },
      { ...base, id: "r2", type: "model_stream_cut", callId: "c", upstream: "anthropic", reason: "reset" },
      {
        ...base,
        id: "r3",
        type: "refused",
        kind: "network",
        host: "x".repeat(10_000),
        port: 443,
        target: null,
        message: "no",
        suppressed: 2,
      },
    ]
    expect(await (await fixture.report(lines(reports))).json()).toEqual({ accepted: ["r1", "r2", "r3"] })
    const entries = await entriesOf(fixture, id)
    expect(entries.map((entry) => entry.notification)).toMatchObject([
      { method: "_berth/budget", params: { sessionId: id, state: "exhausted", spent: { usd: 1.5 } } },
      { method: "_berth/model_stream_cut", params: { upstream: "anthropic", reason: "reset" } },
      {
        method: "_berth/error",
        params: { code: "network_refused", details: { host: "x".repeat(256), suppressed: 2 } },
      },
    ])
    const record: unknown = await (await fixture.fetch(`/api/sessions/${id}`)).json()
    expect(record).toMatchObject({ budget_exhausted: true })
  },
  "what cannot be written any more is taken, so that the rest gets through": async (fixture) => {
    const { id, log_id: logId } = await createSession(fixture)
    const { id: deleted, log_id: gone } = await createSession(fixture)
    await fixture.fetch(`/api/sessions/${deleted}`, { method: "DELETE" })
    const report = { type: "usage", callId: "c", upstream: "x", usage }
    const reports = [
      { ...report, id: "r1", logId: gone },
      { ...report, id: "r2", logId: "log_unknown" },
      { ...report, id: "r3", logId, usage: "much" },
      { ...report, id: "r4", logId },
    ]
    expect(await (await fixture.report(lines(reports))).json()).toEqual({
      accepted: ["r1", "r2", "r3", "r4"],
    })
    expect(await entriesOf(fixture, id)).toHaveLength(1)
  },
  "what is no report is refused": async (fixture) => {
    await expectError(await fixture.report("{}\n"), 400, "bad_params")
    await expectError(await fixture.report("{\n"), 400, "bad_json")
    await expectError(await fixture.report(lines([{ id: "r", logId: "l", type: "paid" }])), 400, "bad_params")
  },
}
