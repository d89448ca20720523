import { once } from "node:events"
import type { ServerResponse } from "node:http"
import { afterEach, beforeEach, expect, test } from "vitest"
import { startStandIn, type StandInServer } from "../testing/stand-in-server.test-support.ts"
import { connectFrom, openFrom, postJson, sendFrom } from "../testing/sandbox-request.test-support.ts"
import {
  operatorKeys,
  startTestGateway,
  type TestGateway,
} from "../testing/start-test-gateway.test-support.ts"
import { waitFor } from "../testing/wait-for.test-support.ts"
import { upstreamNames, type UpstreamName } from "./upstream-table.ts"

let upstream: StandInServer
let gateway: TestGateway
let directory: string

beforeEach(async () => {
  upstream = await startStandIn((_request, response) => {
    response.setHeader("content-type", "application/json")
    response.end(`{"type":"message","usage":{"input_tokens":1,"output_tokens":2}}`)
  })
  gateway = await startTestGateway(upstream.url)
  directory = await gateway.grant({ upstreams: [...upstreamNames] })
})

afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  expect(gateway.errors).toEqual([])
})

const calls: readonly [UpstreamName, string, string, string][] = [
  ["anthropic", "/anthropic/v1/messages?beta=true", "x-api-key", operatorKeys.anthropic],
  ["openai", "/openai/v1/responses", "authorization", `Bearer ${operatorKeys.openai}`],
  ["google", "/google/v1beta/models/m:generateContent", "x-goog-api-key", operatorKeys.google],
]

test.each(calls)(
  "%s: the sandbox's credentials go, the operator's come",
  async (_name, path, header, value) => {
    const answer = await sendFrom(directory, {
      method: "POST",
      path,
      headers: {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-stainless-lang": "js",
        "x-api-key": "theirs",
        authorization: "Bearer theirs",
        "x-goog-api-key": "theirs",
        "api-key": "theirs",
        cookie: "session=theirs",
        "proxy-authorization": "Basic theirs",
        "x-forwarded-for": "1.2.3.4",
        forwarded: "for=1.2.3.4",
        "x-real-ip": "1.2.3.4",
        via: "1.1 theirs",
        "x-http-method-override": "DELETE",
        "openai-organization": "org-theirs",
        "x-goog-user-project": "theirs",
        "accept-encoding": "gzip",
        connection: "keep-alive, x-app",
        "x-app": "hop",
      },
      body: `{"model":"m","max_tokens":5}`,
    })
    expect(answer.status).toBe(200)
    const [received] = upstream.requests
    expect(received?.headers[header]).toBe(value)
    expect(JSON.stringify(received?.rawHeaders)).not.toMatch(/theirs|1\.2\.3\.4|hop|DELETE/)
    expect(received?.headers).toMatchObject({
      host: `127.0.0.1:${upstream.port}`,
      "accept-encoding": "identity",
      "x-stainless-lang": "js",
      "content-type": "application/json",
    })
    expect(received?.body).toBe(`{"model":"m","max_tokens":5}`)
    expect(JSON.stringify(answer)).not.toMatch(/operator-key/)
  },
)

test("what is not in the allow-list never reaches the upstream, and is told", async () => {
  const targets: readonly [string, string][] = [
    ["GET", "/anthropic/v1/organizations"],
    ["POST", "/anthropic/v1/messages/../organizations"],
    ["POST", "/anthropic/v1/messages/%2e%2e/organizations"],
    ["GET", "/anthropic/v1/models/..%2forganizations"],
    ["GET", "/anthropic//v1/models"],
    ["GET", "/anthropic/../openai/v1/files"],
    ["DELETE", "/openai/v1/models/m"],
    ["POST", "/openai/v1/files"],
    ["POST", "/google/v1beta/cachedContents"],
  ]
  for (const [method, path] of targets) {
    const answer = await sendFrom(directory, { method, path })
    expect([path, answer.status]).toEqual([path, 403])
    expect(answer.headers["x-should-retry"]).toBe("false")
  }
  expect(upstream.requests).toEqual([])
  await gateway.reports.waitFor("refusals", () => gateway.reports.of("refused").length === targets.length)
  expect(gateway.reports.of("refused")[0]).toMatchObject({
    kind: "upstream",
    host: "anthropic",
    port: null,
    target: "GET /v1/organizations",
    suppressed: 0,
  })
})

test("refusals speak the upstream's own error format", async () => {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse((await sendFrom(directory, { path })).body) as unknown
  expect(await read("/anthropic/x")).toMatchObject({ type: "error", error: { type: "forbidden" } })
  expect(await read("/openai/x")).toMatchObject({ error: { code: "forbidden", type: "forbidden" } })
  expect(await read("/google/x")).toMatchObject({ error: { code: 403, status: "FORBIDDEN" } })
  const unknown = await sendFrom(directory, { path: "/elsewhere" })
  expect([unknown.status, JSON.parse(unknown.body)]).toMatchObject([404, { code: "not_found" }])
})

test("an upstream that is not granted, or has no key, is refused", async () => {
  await gateway.grant({ upstreams: ["openai"] })
  expect((await postJson(directory, "/anthropic/v1/messages", {})).status).toBe(403)
  expect((await postJson(directory, "/openai/v1/responses", { model: "m" })).status).toBe(200)
  await gateway.client.configure({ upstreams: {}, prices: [] })
  const answer = await postJson(directory, "/openai/v1/responses", { model: "m" })
  expect(answer).toMatchObject({ status: 403, body: expect.stringContaining("No key for openai") })
})

test("keys may change while it lives", async () => {
  await gateway.client.configure({
    upstreams: { anthropic: { baseUrl: `${upstream.url}/base/`, apiKey: "new-key" } },
    prices: [],
  })
  await postJson(directory, "/anthropic/v1/messages", { model: "m" })
  expect(upstream.requests[0]).toMatchObject({
    url: "/base/v1/messages",
    headers: { "x-api-key": "new-key" },
  })
})

test("an answer that quotes the operator's key has it masked, at the same length", async () => {
  const key = operatorKeys.anthropic
  upstream.answer = (_request, response) => {
    const body = `{"error":"invalid key ${key}"}`
    response.writeHead(401, {
      "content-length": body.length,
      "x-debug": `key=${key}`,
      "set-cookie": "a=b",
      "anthropic-organization-id": "org",
    })
    response.write(body.slice(0, 30))
    response.end(body.slice(30))
  }
  const answer = await postJson(directory, "/anthropic/v1/messages", { model: "m" })
  expect(answer.status).toBe(401)
  expect(answer.body).toBe(`{"error":"invalid key ${"*".repeat(key.length)}"}`)
  expect(JSON.stringify(answer.rawHeaders)).not.toMatch(/operator-key|set-cookie|organization/)
})

function openStream(): Promise<ServerResponse> {
  return new Promise((resolve) => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream", "request-id": "req_1" })
      response.flushHeaders()
      resolve(response)
    }
  })
}

test("a stream is passed on byte by byte as it comes", async () => {
  const streaming = openStream()
  const opening = openFrom(directory, {
    method: "POST",
    path: "/anthropic/v1/messages",
    headers: { "content-type": "application/json" },
    body: `{"model":"m","max_tokens":1,"stream":true}`,
  })
  const source = await streaming
  // The head is here before the first event exists, and each event before the next.
  const answer = await opening
  expect(answer.headers).toMatchObject({ "content-type": "text/event-stream", "request-id": "req_1" })
  for (const piece of ["event: ping\n", "data: {}\n\n", "d", "ata: é", "\n\n"]) {
    source.write(piece)
    const [chunk] = (await once(answer, "data")) as [Buffer]
    expect(chunk.toString()).toBe(piece)
  }
  source.end()
  await once(answer, "end")
})

test("the upstream's call ends when the sandbox goes away", async () => {
  const streaming = openStream()
  const socket = await connectFrom(directory)
  const body = `{"model":"m","max_tokens":1}`
  socket.write(
    `POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  const source = await streaming
  const closed = once(source, "close")
  source.write("data: {}\n\n")
  await once(socket, "data")
  socket.destroy()
  await closed
  expect(source.writableFinished).toBe(false)
})

test("the upstream's call ends when the sandbox goes away before any answer", async () => {
  const reached = new Promise<ServerResponse>((resolve) => {
    upstream.answer = (_request, response) => resolve(response)
  })
  const socket = await connectFrom(directory)
  socket.write("GET /anthropic/v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
  const response = await reached
  const closed = once(response, "close")
  socket.destroy()
  await closed
  expect(response.writableFinished).toBe(false)
})

test("a slow reader slows the upstream down, and nothing is lost", async () => {
  const piece = "x".repeat(64 * 1024)
  let written = 0
  upstream.answer = async (_request, response) => {
    for (; written < 1000 && !response.destroyed; written++) {
      if (!response.write(piece)) await once(response, "drain")
    }
    response.end()
  }
  const answer = await openFrom(directory, { path: "/anthropic/v1/models" })
  answer.pause()
  let before = -1
  let turnsWithout = 0
  await waitFor("the upstream to stall", () => {
    turnsWithout = before === written && written > 0 ? turnsWithout + 1 : 0
    before = written
    return turnsWithout > 2_000
  })
  expect(written).toBeLessThan(500)
  let received = 0
  for await (const chunk of answer) received += (chunk as Buffer).length
  expect(received).toBe(1000 * piece.length)
})

test("a body over the limit, in a strange form or coded is refused", async () => {
  const path = "/anthropic/v1/messages"
  const post = (headers: Record<string, string>, body = "{}"): Promise<{ status: number; body: string }> =>
    sendFrom(directory, { method: "POST", path, headers, body })
  expect((await post({ "content-type": "text/plain" })).status).toBe(415)
  expect((await post({ "content-type": "application/json", "content-encoding": "gzip" })).status).toBe(415)
  const socket = await connectFrom(directory)
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${64 * 1024 * 1024 + 1}\r\n\r\n`)
  const [head] = (await once(socket, "data")) as [Buffer]
  expect(head.toString()).toMatch(/^HTTP\/1.1 413 /)
  socket.destroy()
  expect(upstream.requests).toEqual([])
})

test("an upstream that does not answer gives 502 and no word of the operator's network", async () => {
  await upstream[Symbol.asyncDispose]()
  const answer = await postJson(directory, "/anthropic/v1/messages", { model: "m", max_tokens: 1 })
  expect(answer.status).toBe(502)
  expect(answer.body).toContain("upstream_failed")
  expect(answer.body).not.toContain(String(upstream.port))
})

test("a model's stream that breaks off is told, and breaks off for the sandbox too", async () => {
  const streaming = openStream()
  const opening = openFrom(directory, {
    method: "POST",
    path: "/anthropic/v1/messages",
    headers: { "content-type": "application/json" },
    body: `{"model":"m","max_tokens":1}`,
  })
  const source = await streaming
  const answer = await opening
  source.write(`data: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}\n\n`)
  await once(answer, "data")
  const failed = once(answer, "error")
  source.destroy()
  await failed
  await gateway.reports.waitFor("the cut", () => gateway.reports.of("model_stream_cut").length === 1)
  expect(gateway.reports.of("model_stream_cut")[0]).toMatchObject({ upstream: "anthropic" })
  expect(gateway.reports.of("usage")[0]).toMatchObject({
    model: "m",
    isEstimate: true,
    usage: { inputTokens: 7, outputTokens: 1 },
  })
})
