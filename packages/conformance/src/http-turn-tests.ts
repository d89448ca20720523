import { expect } from "vitest"
import type { SuiteTests } from "./define-suite.ts"
import { isCaughtUp } from "./http-event-stream.ts"
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

const { attach, text } = bodies

interface ReadEntry {
  readonly seq: number
  readonly from?: number
  readonly notification?: {
    readonly params: { readonly update?: { readonly content?: { readonly text: string } } }
  }
}

/** Turns, questions and what they publish, as clients see them. */
export const httpTurnTests: SuiteTests<RunnerFixture> = {
  "the first answer wins, the others are told which": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { send } = await attach(fixture, log)
    await send([bodies.question("q1")])
    const record: unknown = await (await fixture.fetch(`/api/sessions/${id}`)).json()
    expect(record).toMatchObject({
      status: "awaiting_input",
      questions: [{ question_id: "q1", kind: "permission" }],
    })
    const answer = (optionId: string, key: string) =>
      fixture.fetch(
        `/api/sessions/${id}/sync`,
        jsonBody(
          "POST",
          { method: "_berth/answer", params: { questionId: "q1", optionId } },
          { "idempotency-key": key },
        ),
      )
    await expectError(await answer("maybe", "k0"), 400, "bad_params")
    const answers = await Promise.all([answer("yes", "k1"), answer("no", "k2"), answer("yes", "k3")])
    expect(answers.map((response) => response.status).toSorted((left, right) => left - right)).toEqual([
      202, 409, 409,
    ])
    const won = answers.findIndex((response) => response.status === 202)
    const { seq } = (await (answers[won] ?? Response.error()).json()) as { seq: number }
    for (const lost of answers.filter((response) => response.status === 409)) {
      expect(await expectError(lost, 409, "already_answered")).toEqual({ seq })
    }
    expect(await expectError(await answer("no", "k9"), 409, "already_answered")).toEqual({ seq })
    const winner = ["k1", "k2", "k3"][won] ?? ""
    expect(await (await answer("yes", winner)).json()).toEqual({ seq })
    const { entries } = (await (await fixture.fetch(`/api/sessions/${id}/log?after=${seq}`)).json()) as {
      entries: unknown[]
    }
    const choice = winner === "k2" ? { optionId: "no" } : { optionId: "yes" }
    expect(entries[0]).toMatchObject({
      origin: "server",
      notification: {
        method: "_berth/question_resolved",
        params: { questionId: "q1", answer: choice, kind: "permission" },
      },
    })
  },
  "an action stands for the option of its kind": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { send } = await attach(fixture, log)
    await send([bodies.question("q1"), bodies.question("q2", { kind: "checkpoint", options: [] })])
    const seq = await submit(fixture, id, "_berth/permission_response", {
      questionId: "q1",
      action: "reject",
    })
    const other = await submit(fixture, id, "_berth/checkpoint_response", {
      questionId: "q2",
      action: "modify",
      feedback: "bluer",
    })
    const { entries } = (await (await fixture.fetch(`/api/sessions/${id}/log`)).json()) as {
      entries: { seq: number }[]
    }
    const find = (at: number) => entries.find((entry) => entry.seq === at)
    expect(find(seq + 1)).toMatchObject({
      notification: { params: { answer: { optionId: "no", action: "reject" }, choice: "Reject" } },
    })
    expect(find(other + 1)).toMatchObject({
      notification: { params: { answer: { action: "modify", feedback: "bluer" } } },
    })
    const empty = jsonBody("POST", { method: "_berth/answer", params: { questionId: "q1" } })
    await expectError(await fixture.fetch(`/api/sessions/${id}/sync`, empty), 409, "already_answered")
  },
  "until=idle ends with the turn": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const seq = await prompt(fixture, id, "echo")
    const stream = await follow(fixture, id, `?after=${seq - 1}&until=idle`)
    await stream.until(isCaughtUp)
    const { send } = await attach(fixture, log)
    await send([
      bodies.turnStarted("t1", seq),
      text("hi"),
      bodies.commandDone(seq),
      bodies.turnEnded("t1", seq),
    ])
    const frames = await stream.until(() => false)
    expect(frames.at(-1)).toMatchObject({ event: "end", data: '{"reason":"idle"}' })
    expect(frames.some((frame) => frame.data?.includes("turn_ended") === true)).toBe(true)
    const again = await follow(fixture, id, "?until=idle")
    expect((await again.until(() => false)).at(-1)).toMatchObject({ event: "end" })
  },
  "what was trimmed is a gap, not a hole": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { send } = await attach(fixture, log)
    await send(Array.from({ length: 20 }, (_, index) => text(String(index))))
    await fixture.trim(log, 10)
    const stream = await follow(fixture, id, "?after=3")
    const [gap, next] = await stream.until((frame) => frame.event === null)
    await stream.close()
    expect(gap).toMatchObject({ event: "gap", id: `10@${log}`, data: '{"from":4,"to":10,"cause":"trimmed"}' })
    expect(next?.id).toBe(`11@${log}`)
  },
  "compact=1 merges text on replay, and loses none": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { send } = await attach(fixture, log)
    const words = Array.from({ length: 50 }, (_, index) => `word ${index} `)
    await send([
      ...words.map((word) => text(word, "agent_thought_chunk")),
      ...words.map((word) => text(word)),
      bodies.update("plan", { entries: [] }),
      ...words.map((word) => text(word)),
    ])
    const read = async (query: string) => {
      const stream = await follow(fixture, id, query)
      const frames = (await stream.until(isCaughtUp)).slice(0, -1)
      await stream.close()
      return frames.map((frame) => JSON.parse(frame.data ?? "") as ReadEntry)
    }
    const [plain, compact] = [await read(""), await read("?compact=1")]
    const textOf = (entries: readonly ReadEntry[]): string =>
      entries.map((entry) => entry.notification?.params.update?.content?.text ?? "").join("")
    expect(textOf(compact)).toBe(textOf(plain))
    expect(compact).toHaveLength(plain.length - 3 * (words.length - 1))
    let next = 1
    for (const entry of compact) {
      expect(entry.from ?? entry.seq).toBe(next)
      next = entry.seq + 1
    }
  },
  "publishes artifacts as foreign content": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const { runner, send } = await attach(fixture, log)
    const bytes = new TextEncoder().encode("<script>0123456789</script>")
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")
    await runner.fetch(`/blobs/${hash}`, { method: "PUT", body: bytes })
    const path = "out/a b#ü.html"
    const fields = {
      path,
      type: "file",
      hash,
      size: bytes.byteLength,
      url: "https://evil.example/",
      contentType: "a/b\r\nx: y",
    }
    await send([bodies.notification("_berth/artifact", fields)])
    await send([bodies.notification("_berth/artifact", { ...fields, path: "data.unknown" })])
    const list = (await (await fixture.fetch(`/api/sessions/${id}/artifacts`)).json()) as {
      artifacts: { url: string; path: string; content_type: string }[]
    }
    expect(list).toMatchObject({
      count: 2,
      artifacts: [{ path, hash }, { content_type: "application/octet-stream" }],
    })
    const url = list.artifacts[0]?.url ?? ""
    expect(url).toBe(`/outputs/${id}/out/a%20b%23%C3%BC.html`)
    const whole = await fixture.fetch(url)
    expect(whole.headers.get("content-type")).toBe("text/html; charset=utf-8")
    expect(whole.headers.get("content-security-policy")).toMatch(/^sandbox/)
    expect(whole.headers.get("x-content-type-options")).toBe("nosniff")
    expect(whole.headers.get("set-cookie")).toBeNull()
    expect(await whole.text()).toBe("<script>0123456789</script>")
    const ranges: readonly [string, number, string, string | null][] = [
      ["bytes=0-7", 206, "<script>", "bytes 0-7/27"],
      ["bytes=8-", 206, "0123456789</script>", "bytes 8-26/27"],
      ["bytes=-9", 206, "</script>", "bytes 18-26/27"],
      ["bytes=20-999", 206, "script>", "bytes 20-26/27"],
      ["bytes=27-", 416, "", "bytes */27"],
      ["bytes=5-2", 200, "<script>0123456789</script>", null],
      ["lines=1-2", 200, "<script>0123456789</script>", null],
    ]
    for (const [range, status, content, contentRange] of ranges) {
      const response = await fixture.fetch(url, { headers: { range } })
      expect([response.status, await response.text(), response.headers.get("content-range")]).toEqual([
        status,
        content,
        contentRange,
      ])
    }
    const known = await fixture.fetch(url, { headers: { "if-none-match": `"${hash}"` } })
    expect([known.status, known.headers.get("etag")]).toEqual([304, `"${hash}"`])
    const worker = await fixture.fetch(url, { headers: { "service-worker": "script" } })
    await expectError(worker, 403, "forbidden")
    await expectError(await fixture.fetch(`/outputs/${id}/none`), 404, "artifact_not_found")
    await expectError(await fixture.fetch(`/outputs/${id}/..%2f..%2fetc%2fpasswd`), 404, "artifact_not_found")
  },
  "the chat projection tells a turn": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    const seq = await prompt(fixture, id, "hello")
    const { send } = await attach(fixture, log)
    await send([
      bodies.turnStarted("t1", seq),
      text("hm", "agent_thought_chunk"),
      text("Hel"),
      text("lo"),
      bodies.update("tool_call", {
        toolCallId: "c1",
        title: "ls",
        kind: "execute",
        rawInput: { command: "ls" },
      }),
      bodies.update("tool_call_update", { toolCallId: "c1", status: "completed", rawOutput: "a" }),
      bodies.question("q1", { toolCall: { toolCallId: "c1" } }),
    ])
    const answered = await submit(fixture, id, "_berth/answer", { questionId: "q1", optionId: "yes" })
    await send([bodies.commandDone(answered), bodies.commandDone(seq), bodies.turnEnded("t1", seq)])
    const stream = await follow(fixture, id, "?format=chat&until=idle")
    const frames = await stream.until((frame) => frame.event === "end")
    const events = frames
      .filter((frame) => frame.event === null)
      .map((frame) => JSON.parse(frame.data ?? "") as { type: string })
    expect(events[0]).toEqual({ type: "session_init", sessionId: id })
    const told = events.filter((event) => event.type !== "status" && event.type !== "session_init")
    expect(told).toMatchObject([
      { type: "message_type_hint", messageType: "thinking" },
      { type: "text_delta", text: "hm" },
      { type: "assistant_message", messageType: "thinking", text: "hm" },
      { type: "message_type_hint", messageType: "response" },
      { type: "text_delta", text: "Hel" },
      { type: "text_delta", text: "lo" },
      { type: "assistant_message", messageType: "response", text: "Hello" },
      { type: "system", subtype: "tool_start", tool: "ls", toolCallId: "c1" },
      { type: "system", subtype: "tool_call", data: { rawInput: { command: "ls" } } },
      { type: "system", subtype: "tool_result", data: { rawOutput: "a" } },
      { type: "system", subtype: "tool_done" },
      { type: "permission_request", questionId: "q1", toolCallId: "c1" },
      { type: "permission_resolved", questionId: "q1", optionId: "yes" },
      { type: "complete", sessionId: id, exitCode: 0, awaitingInput: false },
      { type: "done" },
    ])
    const ids = frames.flatMap((frame) => (frame.event === null && frame.id !== null ? [frame.id] : []))
    for (const cursor of ids) {
      const resumed = await follow(fixture, id, "?format=chat&until=idle", { "last-event-id": cursor })
      const rest = await resumed.until((frame) => frame.event === "end")
      const at = frames.findIndex((frame) => frame.id === cursor)
      const data = (list: typeof frames) =>
        list.filter((frame) => frame.event === null).map((frame) => frame.data)
      expect(data(rest)).toEqual(data(frames.slice(at + 1)))
    }
  },
}
