import { createHttpPorts } from "@berth/conformance"
import fc from "fast-check"
import { expect, it } from "vitest"
import { createApi } from "./create-api.ts"

const paths = [
  "/api/sessions",
  "/api/sessions/known",
  "/api/sessions/known/sync",
  "/api/sessions/known/log",
  "/api/sessions/known/artifacts",
  "/api/keys",
  "/api/keys/x",
  "/api/auth/session",
  "/api/blobs/x",
  "/outputs/known/x",
]
const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
const names = [
  "id",
  "agent",
  "prompt",
  "metadata",
  "env",
  "permissions",
  "network",
  "method",
  "params",
  "content",
  "key",
  "name",
]
const rpcMethods = [
  "session/prompt",
  "_berth/answer",
  "_posthog/user_message",
  "session/set_mode",
  "__proto__",
]

const value = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(...rpcMethods),
  fc.dictionary(fc.constantFrom("__proto__", "constructor", "toString", ...names), fc.jsonValue()),
)
const body = fc
  .oneof(
    value,
    fc.dictionary(fc.constantFrom(...names, "__proto__"), value),
    fc.record({ method: fc.constantFrom(...rpcMethods), params: value }),
  )
  .map((json) => JSON.stringify(json))

async function open() {
  const ports = createHttpPorts()
  const api = createApi({
    ...ports.api,
    access: {
      mode: "loopback",
      corsOrigins: [],
      trustForwardedHeaders: false,
      cookieSecret: new Uint8Array(32),
      requestsPerMinute: null,
    },
  })
  const call = (method: string, path: string, init: { headers?: Record<string, string>; body?: string }) => {
    const hasBody = method !== "GET" && method !== "HEAD" && init.body !== undefined
    const headers = { "content-type": "application/json", ...init.headers }
    const request = new Request(`http://127.0.0.1${path}`, {
      method,
      headers,
      ...(hasBody ? { body: init.body } : {}),
    })
    return api.fetch(request, { isLoopbackBind: true })
  }
  await call("POST", "/api/sessions", { body: '{"id":"known"}' })
  return { call, errors: ports.errors }
}

it("answers any body on any route with something below 500", async () => {
  const { call, errors } = await open()
  const run = async (method: string, path: string, text: string): Promise<void> => {
    const response = await call(method, path, { body: text })
    expect(response.status).toBeLessThan(500)
    await response.body?.cancel()
  }
  await fc.assert(fc.asyncProperty(fc.constantFrom(...methods), fc.constantFrom(...paths), body, run), {
    numRuns: 600,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("POST", "PATCH"),
      fc.constantFrom(...paths),
      fc.string({ unit: "binary" }),
      run,
    ),
    { numRuns: 200 },
  )
  expect(errors).toEqual([])
})

it("answers any path, query and header with something below 500", async () => {
  const { call, errors } = await open()
  const segment = fc.oneof(
    fc.webPath(),
    fc.constantFrom("/%", "/%2e%2e", "/%00", "/%0d%0aX: y", "/%F0%9F", "/~"),
  )
  const query = fc.oneof(
    fc.webQueryParameters(),
    fc.constantFrom("after=%", "limit=%00", "cursor=%ff", "metadata.=1", "project=%0a"),
  )
  const header = fc.string({ unit: "grapheme-ascii" }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, ""))
  const headerNames = fc.constantFrom(
    "last-event-id",
    "idempotency-key",
    "range",
    "if-none-match",
    "cookie",
    "host",
    "origin",
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths, ""),
      segment,
      query,
      headerNames,
      header,
      async (path, more, search, name, text) => {
        for (const full of [`${path}?${search}`, `${path}${more}`]) {
          const response = await call("GET", full.startsWith("/") ? full : `/${full}`, {
            headers: { [name]: text },
          })
          expect(response.status).toBeLessThan(500)
          await response.body?.cancel()
        }
      },
    ),
    { numRuns: 400 },
  )
  expect(errors).toEqual([])
})
