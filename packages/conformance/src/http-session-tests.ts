import { expect } from "vitest"
import { aBoolean, aString, anObject, containing, matching } from "./expected.ts"
import type { SuiteTests } from "./define-suite.ts"
import { createSession, expectError, jsonBody, prompt, type HttpFixture } from "./http-fixture.ts"

/** Sessions as resources, on any server. */
export const httpSessionTests: SuiteTests<HttpFixture> = {
  "creates a session with the fields of the contract": async ({ fetch }) => {
    const metadata = { team: "docs", nested: { deep: [1, null, "x"] } }
    const env = { API_TOKEN: "not-to-be-seen" }
    const response = await fetch("/api/sessions", jsonBody("POST", { title: "First", metadata, env }))
    const text = await response.text()
    expect(response.status).toBe(201)
    expect(text).not.toContain("not-to-be-seen")
    const record = JSON.parse(text) as Record<string, unknown>
    expect(Object.keys(record)[0]).toBe("id")
    expect(record).toMatchObject({
      session_id: record["id"],
      log_id: matching(/^log_[0-9a-z]{26}$/),
      created_at: matching(/^\d{4}-\d\d-\d\dT.*Z$/),
      agent: aString,
      title: "First",
      metadata,
      status: "created",
      head_seq: 0,
      env_names: ["API_TOKEN"],
      questions: [],
      usage: { inputTokens: 0 },
      isolation: { level: aString },
      last_run_at: "",
      file_count: 0,
      total_size_bytes: 0,
      persistent: true,
      data: {},
    })
    const again = await fetch(`/api/sessions/${String(record["id"])}`)
    expect(await again.json()).toEqual(record)
  },
  "accepts id or session_id, and refuses two that differ": async (fixture) => {
    const id = `s-${crypto.randomUUID()}`
    expect(await createSession(fixture, { session_id: id, id })).toMatchObject({ id, session_id: id })
    const response = await fixture.fetch("/api/sessions", jsonBody("POST", { id: "one", session_id: "two" }))
    await expectError(response, 400, "bad_params")
  },
  "answers 409 with the id when it is taken": async (fixture) => {
    const { id } = await createSession(fixture)
    const response = await fixture.fetch("/api/sessions", jsonBody("POST", { id }))
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ error: "session id already exists", code: "id_taken", id })
  },
  "submits a first prompt with the session": async (fixture) => {
    const { id } = await createSession(fixture, { prompt: "echo hello" })
    const { entries } = (await (await fixture.fetch(`/api/sessions/${id}/log`)).json()) as {
      entries: unknown[]
    }
    expect(entries[0]).toMatchObject({
      seq: 1,
      origin: "client",
      type: "client_message",
      message: {
        method: "session/prompt",
        params: { sessionId: id, prompt: [{ type: "text", text: "echo hello" }] },
      },
    })
  },
  "lists newest first, by page and by filter": async (fixture) => {
    const mark = crypto.randomUUID()
    const ids: string[] = []
    for (let index = 0; index < 3; index += 1) {
      ids.unshift((await createSession(fixture, { metadata: { mark }, title: `Number ${index}` })).id)
    }
    const page = async (query: string) =>
      (await (await fixture.fetch(`/api/sessions?metadata.mark=${mark}${query}`)).json()) as {
        sessions: { id: string }[]
        count: number
        total: number
        next_cursor?: string
      }
    const first = await page("&limit=2")
    expect(first).toMatchObject({ count: 2, total: 3 })
    const second = await page(`&limit=2&cursor=${first.next_cursor}`)
    expect([...first.sessions, ...second.sessions].map((session) => session.id)).toEqual(ids)
    expect(second.next_cursor).toBeUndefined()
    expect((await page("&q=NUMBER%201")).sessions.map((session) => session.id)).toEqual([ids[1]])
    expect((await page("&status=failed")).count).toBe(0)
  },
  "changes a session": async (fixture) => {
    const { id } = await createSession(fixture, { title: "Before" })
    const change = { title: "After", metadata: { a: 1 }, allowInternetAccess: true, permissions: "auto" }
    const response = await fixture.fetch(`/api/sessions/${id}`, jsonBody("PATCH", change))
    expect(response.status).toBe(200)
    const body: unknown = await response.json()
    expect(body).toMatchObject({ success: true, id, updated_at: aString })
    const metadata = { title: "After", metadata: { a: 1 }, network: "all", permissions: "auto" }
    expect(body).toMatchObject({ metadata })
    expect(await (await fixture.fetch(`/api/sessions/${id}`)).json()).toMatchObject(metadata)
    const missing = await fixture.fetch("/api/sessions/none", jsonBody("PATCH", { title: "x" }))
    await expectError(missing, 404, "session_not_found")
  },
  "deletes a session, and gives its id to another log": async (fixture) => {
    const before = await createSession(fixture)
    const { id } = before
    const response = await fixture.fetch(`/api/sessions/${id}`, { method: "DELETE" })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      deleted: id,
      success: true,
      id,
      deleted_at: aString,
    })
    const again = await fixture.fetch(`/api/sessions/${id}`, { method: "DELETE" })
    await expectError(again, 404, "session_not_found")
    const after = await createSession(fixture, { id })
    expect(after.log_id).not.toBe(before.log_id)
  },
  "refuses a stale reader once the id has a new log": async (fixture) => {
    const before = await createSession(fixture)
    await prompt(fixture, before.id, "echo")
    await fixture.fetch(`/api/sessions/${before.id}`, { method: "DELETE" })
    await createSession(fixture, { id: before.id })
    const headers = { "last-event-id": `1@${before.log_id}` }
    const response = await fixture.fetch(`/api/sessions/${before.id}/sync`, { headers })
    await expectError(response, 410, "session_replaced")
  },
  "keeps projects apart": async (fixture) => {
    const project = `p-${crypto.randomUUID()}`
    const headers = { "x-berth-project": project }
    const created = await fixture.fetch("/api/sessions", jsonBody("POST", { id: "same" }, headers))
    expect(created.status).toBe(201)
    await expectError(await fixture.fetch("/api/sessions/same"), 404, "session_not_found")
    expect((await fixture.fetch("/api/sessions/same", { headers })).status).toBe(200)
    const deleted = await fixture.fetch("/api/sessions", { method: "DELETE", headers })
    expect(await deleted.json()).toMatchObject({
      success: true,
      deleted_count: 1,
      deleted_sessions: ["same"],
      deleted_at: aString,
    })
  },
  "says what it is": async ({ fetch }) => {
    for (const path of ["/health", "/api/health", "/health/"]) {
      const response = await fetch(path)
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({
        status: "healthy",
        time: aString,
        version: aString,
        isolation: { level: aString, limits: anObject },
        survives_restart: aBoolean,
        checks: anObject,
      })
    }
    const { agents } = (await (await fetch("/api/agents")).json()) as { agents: { default: boolean }[] }
    expect(agents.filter((agent) => agent.default)).toHaveLength(1)
    expect((await fetch("/metrics")).headers.get("content-type")).toMatch(/^text\/plain/)
  },
  "describes itself": async ({ fetch }) => {
    const description = (await (await fetch("/openapi.json")).json()) as { paths: Record<string, unknown> }
    expect(Object.keys(description.paths)).toEqual(
      containing(["/api/sessions", "/api/sessions/{id}", "/api/sessions/{id}/sync", "/health"]),
    )
    const page = await fetch("/docs")
    expect(page.headers.get("content-type")).toMatch(/^text\/html/)
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(await page.text()).toContain("/api/sessions/{id}/sync")
  },
}
