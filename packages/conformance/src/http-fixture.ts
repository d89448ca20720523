import { expect } from "vitest"
import { aString } from "./expected.ts"
import type { Fixture } from "./define-suite.ts"
import { openEventStream, type EventStream } from "./http-event-stream.ts"

/** A server under test, by its address or in this process. */
export interface HttpFixture extends Fixture {
  /** `path` begins with `/`. As a local caller without a key, unless `init` says otherwise. */
  fetch(path: string, init?: RequestInit): Promise<Response>
}

/** A server whose sessions have no runner of their own: the tests are the runner. */
export interface RunnerFixture extends HttpFixture {
  /** Takes the lease of a log and answers with its way in. Each call is a new epoch and generation. */
  openRunner(logId: string): Promise<TestRunner>
  /** What the gateway sends to `/internal/reports`: one report a line. */
  report(lines: string): Promise<Response>
  /** Moves the server's clock forward. */
  advance(ms: number): Promise<void>
  /** Drops entries up to and including `upTo`. */
  trim(logId: string, upTo: number): Promise<void>
}

export interface TestRunner {
  /** `path` follows `/internal/logs/{log}`; the token is sent along. */
  fetch(path: string, init?: RequestInit): Promise<Response>
}

export interface TestSession {
  readonly id: string
  readonly log_id: string
}

export async function createSession(
  fixture: HttpFixture,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<TestSession> {
  const response = await fixture.fetch("/api/sessions", jsonBody("POST", fields))
  expect(response.status).toBe(201)
  return (await response.json()) as TestSession
}

export function jsonBody(
  method: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): RequestInit {
  return { method, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) }
}

/** Submits a command and answers with its seq. */
export async function submit(
  fixture: HttpFixture,
  id: string,
  method: string,
  params: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await fixture.fetch(
    `/api/sessions/${id}/sync`,
    jsonBody("POST", { method, params }, headers),
  )
  expect(response.status).toBe(202)
  return ((await response.json()) as { seq: number }).seq
}

export function prompt(fixture: HttpFixture, id: string, text: string): Promise<number> {
  return submit(fixture, id, "session/prompt", { prompt: [{ type: "text", text }] })
}

/** Reads `…/sync` with this query and these headers. Close it. */
export async function follow(
  fixture: HttpFixture,
  id: string,
  query = "",
  headers: Readonly<Record<string, string>> = {},
): Promise<EventStream> {
  const response = await fixture.fetch(`/api/sessions/${id}/sync${query}`, { headers })
  expect(response.status).toBe(200)
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/)
  return openEventStream(response)
}

/** Expects an error with this status and code, in the one shape that errors have. */
export async function expectError(
  response: Response,
  status: number,
  code: string,
): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await response.json()
  expect(body).toMatchObject({ code, error: aString, message: aString })
  expect(response.status).toBe(status)
  const { details } = body as { details?: Readonly<Record<string, unknown>> }
  return details ?? {}
}
