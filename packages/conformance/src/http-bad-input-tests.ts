import { expect } from "vitest"
import type { SuiteTests } from "./define-suite.ts"
import { createSession, expectError, jsonBody, prompt, type HttpFixture } from "./http-fixture.ts"

/** What must not work: each a clear error with a code, and nothing lost. */
export const httpBadInputTests: SuiteTests<HttpFixture> = {
  "an unknown session": async ({ fetch }) => {
    for (const path of ["", "/sync", "/log", "/log.ndjson", "/artifacts"]) {
      await expectError(await fetch(`/api/sessions/none${path}`), 404, "session_not_found")
    }
    const response = await fetch("/api/sessions/none/sync", jsonBody("POST", { method: "session/cancel" }))
    await expectError(response, 404, "session_not_found")
  },
  "bad ids": async ({ fetch }) => {
    for (const id of ["a%20b", "a%2Fb", "..%2F..", "%00", "x".repeat(129), "caf%C3%A9", "%zz"]) {
      await expectError(await fetch(`/api/sessions/${id}`), 400, "bad_params")
    }
    for (const id of ["", "a b", "../x", "x".repeat(129), 7]) {
      const details = await expectError(
        await fetch("/api/sessions", jsonBody("POST", { id })),
        400,
        "bad_params",
      )
      expect(details).toMatchObject({ path: "id" })
    }
  },
  "an unknown method, and bad parameters": async (fixture) => {
    const { id } = await createSession(fixture)
    const send = (body: unknown) => fixture.fetch(`/api/sessions/${id}/sync`, jsonBody("POST", body))
    const unknown = await expectError(await send({ method: "no/such" }), 400, "unknown_method")
    expect(unknown).toMatchObject({ rpc_code: -32601 })
    for (const method of ["_berth/release", "_berth/usage", "toString", "__proto__"]) {
      await expectError(await send({ method, params: { reason: "x" } }), 400, "unknown_method")
    }
    const faults: readonly [unknown, string][] = [
      [{ method: "session/prompt", params: { prompt: [] } }, "params.prompt"],
      [{ method: "session/prompt", params: { prompt: [{ text: "x" }] } }, "params.prompt.0.type"],
      [{ method: "session/prompt" }, "params.prompt"],
      [{ method: "session/prompt", params: [] }, "params"],
      [{ method: "session/cancel", params: { sessionId: "other" } }, "params.sessionId"],
      [{ method: "_berth/answer", params: { optionId: "x" } }, "params.questionId"],
    ]
    for (const [body, path] of faults) {
      const details = await expectError(await send(body), 400, "bad_params")
      expect(details).toMatchObject({ rpc_code: -32602, path })
    }
    for (const body of [[], "x", null, 7, {}, { method: 7 }, { jsonrpc: "1.0", method: "session/cancel" }]) {
      await expectError(await send(body), 400, "bad_request")
    }
    const { head_seq: headSeq } = (await (await fixture.fetch(`/api/sessions/${id}`)).json()) as {
      head_seq: number
    }
    expect(headSeq).toBe(0)
  },
  "a bad cursor": async (fixture) => {
    const { id, log_id: log } = await createSession(fixture)
    await prompt(fixture, id, "echo")
    for (const cursor of [
      "999999",
      "-1",
      "x",
      "1.5",
      "1e3",
      "0x1",
      " ",
      "1@",
      "1@log_x",
      `x@${log}`,
      `999999@${log}`,
    ]) {
      const query = `after=${encodeURIComponent(cursor)}`
      for (const path of ["sync", "log"]) {
        await expectError(await fixture.fetch(`/api/sessions/${id}/${path}?${query}`), 400, "bad_cursor")
      }
      if (cursor.trim() === "") continue
      const headers = { "last-event-id": cursor }
      await expectError(await fixture.fetch(`/api/sessions/${id}/sync`, { headers }), 400, "bad_cursor")
    }
  },
  "a prompt to a deleted session": async (fixture) => {
    const { id } = await createSession(fixture)
    await fixture.fetch(`/api/sessions/${id}`, { method: "DELETE" })
    const body = { method: "session/prompt", params: { prompt: "hello" } }
    const response = await fixture.fetch(`/api/sessions/${id}/sync`, jsonBody("POST", body))
    await expectError(response, 404, "session_not_found")
  },
  "an answer to a question nobody asked": async (fixture) => {
    const { id } = await createSession(fixture)
    const body = { method: "_berth/answer", params: { questionId: "q", optionId: "allow" } }
    const response = await fixture.fetch(`/api/sessions/${id}/sync`, jsonBody("POST", body))
    await expectError(response, 404, "question_not_found")
  },
  "a body over the limit": async (fixture) => {
    const { id } = await createSession(fixture)
    const body = { method: "session/prompt", params: { prompt: "x".repeat(1024 * 1024) } }
    const response = await fixture.fetch(`/api/sessions/${id}/sync`, jsonBody("POST", body))
    await expectError(response, 413, "too_large")
    const chunks = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(0x20)),
    })
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: chunks,
      duplex: "half",
    }
    await expectError(await fixture.fetch(`/api/sessions/${id}/sync`, init), 413, "too_large")
  },
  "invalid JSON, with its position": async ({ fetch }) => {
    const headers = { "content-type": "application/json" }
    const faults: readonly [string, number][] = [
      ['{"a": b}', 6],
      ['{"a": 1', 7],
      ["{'a': 1}", 1],
      ['{"a": 1,}', 8],
      ['["x\\y"]', 1],
      ["{}x", 2],
      ["\n\n  ?", 4],
    ]
    for (const [body, position] of faults) {
      const response = await fetch("/api/sessions", { method: "POST", headers, body })
      expect(await expectError(response, 400, "bad_json")).toMatchObject({ position })
    }
    const deep = "[".repeat(100_000)
    await expectError(await fetch("/api/sessions", { method: "POST", headers, body: deep }), 400, "bad_json")
    const notUtf8 = new Uint8Array([0x22, 0xff, 0x22])
    await expectError(
      await fetch("/api/sessions", { method: "POST", headers, body: notUtf8 }),
      400,
      "bad_json",
    )
  },
  "a wrong content type": async (fixture) => {
    const { id } = await createSession(fixture)
    const body = JSON.stringify({ method: "session/cancel" })
    for (const contentType of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"]) {
      const init = { method: "POST", headers: { "content-type": contentType }, body }
      await expectError(await fixture.fetch(`/api/sessions/${id}/sync`, init), 415, "unsupported_media_type")
      await expectError(await fixture.fetch("/api/sessions", init), 415, "unsupported_media_type")
    }
  },
  "fields out of range": async ({ fetch }) => {
    const bad: readonly [Record<string, unknown>, string][] = [
      [{ idle_timeout: -1 }, "idle_timeout"],
      [{ idle_timeout: 1e9 }, "idle_timeout"],
      [{ network: { allow: ["http://x"] } }, "network"],
      [{ env: { "A B": "1" } }, "env.A B"],
      [{ limits: { memory_mib: "all" } }, "limits.memory_mib"],
      [{ permissions: "yolo" }, "permissions"],
      [{ metadata: [] }, "metadata"],
      [{ agent: { argv: [] } }, "agent"],
      [{ prompt: "" }, "prompt"],
    ]
    for (const [fields, path] of bad) {
      const details = await expectError(
        await fetch("/api/sessions", jsonBody("POST", fields)),
        400,
        "bad_params",
      )
      expect(String(details["path"])).toContain(path)
    }
    await expectError(
      await fetch("/api/sessions", jsonBody("POST", { agent: "nobody" })),
      404,
      "agent_not_found",
    )
    await expectError(
      await fetch("/api/sessions", jsonBody("POST", { language: "python" })),
      422,
      "unsupported",
    )
    for (const query of ["limit=0", "limit=x", "limit=1001", "status=odd"]) {
      await expectError(await fetch(`/api/sessions?${query}`), 400, "bad_params")
    }
    const response = await fetch("/api/sessions", { headers: { "x-berth-project": "a/b" } })
    await expectError(response, 400, "bad_params")
  },
  "an idempotency key that is none": async (fixture) => {
    const { id } = await createSession(fixture)
    for (const key of ["", "a b", "x".repeat(257), "\u00e9"]) {
      const init = jsonBody("POST", { method: "session/cancel" }, { "idempotency-key": key })
      await expectError(await fixture.fetch(`/api/sessions/${id}/sync`, init), 400, "bad_params")
    }
  },
  "paths and methods that are not there": async ({ fetch }) => {
    for (const path of ["/api/none", "/api/", "/api/sessions/x/none", "/none", "/api/blobs/xyz/"]) {
      const response = await fetch(path)
      expect([400, 404]).toContain(response.status)
      expect(response.headers.get("content-type")).toMatch(/^application\/json/)
      await response.body?.cancel()
    }
    const refused = await fetch("/api/sessions", { method: "PUT" })
    expect(refused.headers.get("allow")).toBe("DELETE, GET, HEAD, OPTIONS, POST")
    await expectError(refused, 405, "method_not_allowed")
    const options = await fetch("/api/sessions", { method: "OPTIONS" })
    expect([options.status, options.headers.get("allow")]).toEqual([204, "DELETE, GET, HEAD, OPTIONS, POST"])
    const head = await fetch("/api/sessions", { method: "HEAD" })
    expect([head.status, await head.text()]).toEqual([200, ""])
  },
  "a trailing slash changes nothing": async (fixture) => {
    const { id } = await createSession(fixture)
    for (const path of [
      "/api/sessions/",
      `/api/sessions/${id}/`,
      `/api/sessions/${id}/log/`,
      "/docs/",
      "/openapi.json/",
    ]) {
      const response = await fixture.fetch(path)
      expect(response.status).toBe(200)
      await response.body?.cancel()
    }
  },
  "every answer is safe to show": async ({ fetch }) => {
    for (const path of ["/api/sessions", "/health", "/api/none"]) {
      const { headers } = await fetch(path)
      expect(headers.get("x-content-type-options")).toBe("nosniff")
      expect(headers.get("content-security-policy")).toContain("default-src 'none'")
      expect(headers.get("access-control-allow-origin")).toBeNull()
    }
  },
  "pages of other origins": async ({ fetch }) => {
    const foreign = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ]
    for (const headers of foreign) {
      await expectError(await fetch("/api/sessions", { headers }), 403, "forbidden")
    }
    await expectError(
      await fetch("/api/sessions", { headers: { "x-forwarded-for": "1.2.3.4" } }),
      403,
      "forbidden",
    )
    const wrongKey = { authorization: "Bearer wrong" }
    await expectError(await fetch("/api/sessions", { headers: wrongKey }), 401, "unauthenticated")
  },
}
