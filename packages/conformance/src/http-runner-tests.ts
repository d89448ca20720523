import { expect } from "vitest"
import { aString } from "./expected.ts"
import type { SuiteTests } from "./define-suite.ts"
import { isCaughtUp, openEventStream } from "./http-event-stream.ts"
import {
  createSession,
  expectError,
  follow,
  jsonBody,
  prompt,
  submit,
  type RunnerFixture,
} from "./http-fixture.ts"
import * as bodies from "./http-runner-bodies.ts"

const { append, attach, text } = bodies

const headSeqOf = async (fixture: RunnerFixture, id: string): Promise<number> =>
  ((await (await fixture.fetch(`/api/sessions/${id}`)).json()) as { head_seq: number }).head_seq

/** What runners may and may not do, over the internal routes. */
export const httpRunnerTests: SuiteTests<RunnerFixture> = {
  "attaches, once per epoch in the log": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture, { env: { A: "1" }, instructions: "Be kind." })
    const seq = await prompt(fixture, id, "echo")
    const runner = await fixture.openRunner(log)
    const attachOnce = async (): Promise<unknown> => {
      const init = jsonBody("POST", { protocol: 1, isolation: { level: "none" } })
      return (await runner.fetch("/attach", init)).json()
    }
    const first = await attachOnce()
    expect(first).toMatchObject({
      session: { sessionId: id, env: { A: "1" }, instructions: "Be kind.", permissions: "ask" },
      lastN: 0,
      commands: [{ seq, method: "session/prompt", state: "queued" }],
      openTurn: null,
      snapshot: null,
    })
    expect(await attachOnce()).toEqual(first)
    const exported = await (await fixture.fetch(`/api/sessions/${id}/log.ndjson`)).text()
    expect(exported.match(/"state":"attached"/g)).toHaveLength(1)
  },
  "appends once, in order, and refuses holes": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { runner, send } = await attach(fixture, log)
    await send([text("one"), text("two")])
    const head = await headSeqOf(fixture, id)
    expect(await (await append(runner, 1, [text("one"), text("two")])).json()).toEqual({ lastN: 2 })
    expect(await headSeqOf(fixture, id)).toBe(head)
    const details = await expectError(await append(runner, 4, [text("four")]), 409, "out_of_sequence")
    expect(details).toEqual({ expectedN: 3 })
    expect(await (await append(runner, 2, [text("two"), text("three")])).json()).toEqual({ lastN: 3 })
    expect(await headSeqOf(fixture, id)).toBe(head + 1)
  },
  "fences an older epoch, and a token of another log": async (fixture) => {
    const { log_id: log } = await createSession(fixture)
    const { runner: stale } = await attach(fixture, log)
    const { send } = await attach(fixture, log)
    await expectError(await append(stale, 1, [text("late")]), 409, "stale_epoch")
    await expectError(await stale.fetch("/renew", { method: "POST" }), 409, "stale_epoch")
    await send([text("in time")])
    const { log_id: other } = await createSession(fixture)
    const elsewhere = await fixture.openRunner(other)
    const wrong = { authorization: "Bearer nothing" }
    const response = await elsewhere.fetch("/renew", { method: "POST", headers: wrong })
    await expectError(response, 401, "unauthenticated")
  },
  "refuses what a sandbox may not say, and keeps nothing of the batch": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { runner, send } = await attach(fixture, log)
    const head = await headSeqOf(fixture, id)
    const usage = { callId: "c", upstream: "x", usage: { usd: 0 } }
    const forbidden = [
      bodies.notification("_berth/usage", usage),
      bodies.notification("_berth/question_resolved", { questionId: "q", answer: null, by: "me" }),
      bodies.notification("_berth/session_state", { status: "idle" }),
      bodies.notification("_berth/sandbox", { state: "released", generation: 1 }),
    ]
    for (const body of forbidden) {
      const details = await expectError(await append(runner, 1, [text("ok"), body]), 403, "forbidden")
      expect(details).toMatchObject({ n: 2 })
    }
    const malformed = [
      { type: "client_message", message: { jsonrpc: "2.0", method: "session/prompt", params: {} }, key: "k" },
      { type: "spilled", method: "session/update", blob: "0".repeat(64), size: 1 },
      text(7 as unknown as string, "no_such_update"),
      bodies.notification("_berth/turn_ended", { turnId: "t" }),
      bodies.question("q", { options: [{ optionId: "" }] }),
      null,
      [],
      "text",
      bodies.notification("_berth/error", { code: "x".repeat(300_000), message: "" }),
    ]
    for (const body of malformed) {
      const response = await append(runner, 1, [text("ok"), body])
      expect([400, 403, 413]).toContain(response.status)
      await response.body?.cancel()
    }
    const deep = `{"type":"notification","notification":{"method":"session/update","params":{"x":${"[".repeat(50_000)}${"]".repeat(50_000)}}}}`
    for (const body of ["{", "\n\n", "", "\u0000", deep, "[".repeat(1_000_000)]) {
      const response = await runner.fetch("/append?firstN=1", { method: "POST", body })
      await expectError(response, 400, "bad_params")
    }
    for (const firstN of ["0", "-1", "x", "1.5", ""]) {
      const response = await runner.fetch(`/append?firstN=${firstN}`, { method: "POST", body: "{}" })
      await expectError(response, 400, "bad_params")
    }
    const many = Array.from({ length: 2001 }, () => text("x"))
    await expectError(await append(runner, 1, many), 413, "too_large")
    const large = await runner.fetch("/append?firstN=1", {
      method: "POST",
      body: "x".repeat(8 * 1024 * 1024 + 1),
    })
    await expectError(large, 413, "too_large")
    expect(await headSeqOf(fixture, id)).toBe(head)
    await send([text("still here")])
  },
  "names the session itself, and stamps the origin": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { send } = await attach(fixture, log)
    const forged = {
      jsonrpc: "1.0",
      method: "_berth/turn_started",
      params: { sessionId: "other", turnId: "t", commandSeq: 0 },
    }
    await send([{ type: "notification", origin: "server", seq: 99, notification: forged }])
    const exported = await (await fixture.fetch(`/api/sessions/${id}/log.ndjson`)).text()
    const entry: unknown = JSON.parse(
      exported.split("\n").find((line) => line.includes("turn_started")) ?? "",
    )
    expect(entry).toMatchObject({
      origin: "sandbox",
      notification: { jsonrpc: "2.0", params: { sessionId: id, turnId: "t" } },
    })
  },
  "keeps large bodies beside the log": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const words = "ä".repeat(200_000)
    const seq = await prompt(fixture, id, words)
    const { send } = await attach(fixture, log)
    await send([text(words)])
    const exported = (await (await fixture.fetch(`/api/sessions/${id}/log.ndjson`)).text()).trim().split("\n")
    const spilled = exported
      .map((line) => JSON.parse(line) as { seq: number; type: string; method: string; blob: string })
      .filter((entry) => entry.type === "spilled")
    expect(spilled).toMatchObject([
      { seq, method: "session/prompt", key: aString },
      { method: "session/update" },
    ])
    for (const { blob } of spilled) {
      const response = await fixture.fetch(`/api/blobs/${blob}`)
      expect(response.headers.get("content-security-policy")).toMatch(/^sandbox/)
      expect(JSON.stringify(await response.json())).toContain(words)
      const head = await fixture.fetch(`/api/blobs/${blob}`, { method: "HEAD" })
      expect([head.status, head.headers.get("etag")]).toEqual([200, `"${blob}"`])
      const elsewhere = { headers: { "x-berth-project": "another" } }
      await expectError(await fixture.fetch(`/api/blobs/${blob}`, elsewhere), 404, "blob_not_found")
    }
  },
  "hands commands to the runner, with where turns begin and end": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const seq = await prompt(fixture, id, "echo")
    const { runner, send } = await attach(fixture, log)
    await send([bodies.turnStarted("t1", seq), text("hidden"), bodies.turnEnded("t1", seq)])
    const cancel = await submit(fixture, id, "session/cancel", {})
    const stream = openEventStream(await runner.fetch("/commands?after=0"))
    const seen = await stream.until((frame) => frame.id === String(cancel))
    await stream.close()
    const words = seen.map((frame) => frame.data).join()
    expect(words).toContain("_berth/turn_started")
    expect(words).toContain("_berth/turn_ended")
    expect(words).not.toContain("hidden")
  },
  "gives the sandbox back, however often it says so": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { runner } = await attach(fixture, log)
    const release = () => runner.fetch("/release", jsonBody("POST", { reason: "idle" }))
    expect((await release()).status).toBe(200)
    expect((await release()).status).toBe(200)
    await expectError(await append(runner, 1, [text("late")]), 409, "stale_epoch")
    const exported = await (await fixture.fetch(`/api/sessions/${id}/log.ndjson`)).text()
    expect(exported.match(/"state":"released"/g)).toHaveLength(1)
  },
  "takes blobs, and checks them": async (fixture) => {
    const { log_id: log } = await createSession(fixture)
    const { runner } = await attach(fixture, log)
    const bytes = new TextEncoder().encode("content")
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")
    const missing = async (): Promise<unknown> =>
      (await runner.fetch("/blobs/missing", jsonBody("POST", { hashes: [hash] }))).json()
    expect(await missing()).toEqual({ missing: [hash] })
    const wrong = await runner.fetch(`/blobs/${hash}`, { method: "PUT", body: "other" })
    await expectError(wrong, 400, "bad_request")
    expect((await runner.fetch(`/blobs/${hash}`, { method: "PUT", body: bytes })).status).toBe(200)
    expect(await missing()).toEqual({ missing: [] })
    expect(await (await runner.fetch(`/blobs/${hash}`)).text()).toBe("content")
    await expectError(await runner.fetch(`/blobs/${"0".repeat(64)}`), 404, "blob_not_found")
  },
  "tells a live runner what a PATCH changed": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { runner } = await attach(fixture, log)
    await fixture.fetch(`/api/sessions/${id}`, jsonBody("PATCH", { permissions: "auto", title: "New" }))
    const stream = openEventStream(await runner.fetch("/commands?after=0"))
    const [last] = (await stream.until((frame) => frame.data?.includes("session_updated") === true)).slice(-1)
    await stream.close()
    const entry = JSON.parse(last?.data ?? "") as { notification: { params: unknown } }
    expect(entry.notification.params).toEqual({ sessionId: id, permissions: "auto" })
  },
  "stops a runner whose session is gone": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { runner } = await attach(fixture, log)
    const stream = openEventStream(await runner.fetch("/commands?after=0"))
    await fixture.fetch(`/api/sessions/${id}`, { method: "DELETE" })
    await stream.until((frame) => frame.event === "end")
    await expectError(await append(runner, 1, [text("late")]), 410, "log_closed")
  },
  "a reader that caught up hears a heartbeat": async (fixture) => {
    const { id } = await createSession(fixture)
    const stream = await follow(fixture, id)
    await stream.until(isCaughtUp)
    const next = stream.read()
    await fixture.advance(10_000)
    expect(await next).toMatchObject({ comment: "", data: null })
    await stream.close()
  },
}
