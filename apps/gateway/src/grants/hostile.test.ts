import type { Socket } from "node:net"
import fc from "fast-check"
import { afterEach, beforeEach, expect, test } from "vitest"
import { connectFrom, postJson, sendFrom } from "../testing/sandbox-request.test-support.ts"
import { startStandIn, type StandInServer } from "../testing/stand-in-server.test-support.ts"
import { otherLogId, startTestGateway, type TestGateway } from "../testing/start-test-gateway.test-support.ts"
import { waitFor } from "../testing/wait-for.test-support.ts"

let upstream: StandInServer
let gateway: TestGateway
let hostile: string
let peaceful: string

beforeEach(async () => {
  upstream = await startStandIn((_request, response) => {
    response.setHeader("content-type", "application/json")
    response.end(`{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}`)
  })
  gateway = await startTestGateway(upstream.url)
  hostile = await gateway.grant({ upstreams: ["anthropic"], network: "all" })
  peaceful = await gateway.grant({ upstreams: ["anthropic"] }, { logId: otherLogId })
})

afterEach(async () => {
  const answer = await postJson(peaceful, "/anthropic/v1/messages", { model: "m", max_tokens: 1 })
  expect(answer.status).toBe(200)
  expect(gateway.gateway.health().faults).toBe(0)
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  expect(gateway.errors).toEqual([])
})

/** All that comes back until the connection ends; `keepOpen` leaves the end to the gateway. */
async function sendRaw(bytes: string | Uint8Array, keepOpen = false): Promise<string> {
  const socket = await connectFrom(hostile)
  let received = ""
  socket.on("data", (chunk) => (received += chunk.toString("latin1")))
  // The gateway may hang up before all of it has gone.
  socket.on("error", () => socket.destroy())
  const closed = new Promise((resolve) => socket.once("close", resolve))
  socket.once("end", () => socket.end())
  if (keepOpen) socket.write(bytes)
  else socket.end(bytes)
  await closed
  return received
}

test("garbage ends the connection it came on, and no other", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(await sendRaw(bytes)).toMatch(/^(HTTP\/1\.1 [45]|$)/)
    }),
    { numRuns: 100 },
  )
  const start = fc.constantFrom(
    "GET ",
    "POST /anthropic/v1/messages HTTP/1.1\r\n",
    "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n",
  )
  await fc.assert(
    fc.asyncProperty(start, fc.uint8Array({ maxLength: 100 }), async (head, bytes) => {
      expect(await sendRaw(Buffer.concat([Buffer.from(head), bytes]))).toMatch(/^(HTTP\/1\.1 [45]|$)/)
    }),
    { numRuns: 100 },
  )
})

const post = "POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
test.each([
  [
    "length and chunks at once",
    `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /anthropic/v1/models HTTP/1.1\r\n\r\n`,
  ],
  ["two lengths", `${post}content-length: 2\r\ncontent-length: 40\r\n\r\n{}`],
  ["a line feed in a header", `${post}x-app: a\nx-api-key: theirs\ncontent-length: 2\r\n\r\n{}`],
  ["a header that is too large", `${post}x-app: ${"x".repeat(33 * 1024)}`],
  ["a wrong chunk", `${post}transfer-encoding: chunked\r\n\r\nzz\r\n`],
  ["no host", "GET /anthropic/v1/models HTTP/1.1\r\n\r\n"],
])("%s: refused, and the upstream sees no second request", async (_name, bytes) => {
  expect(await sendRaw(bytes)).toMatch(/^HTTP\/1\.1 4(00|31) /)
  await waitFor("the connection to go", () => gateway.gateway.health().connections === 0)
  expect(upstream.requests.map(({ url }) => url).filter((url) => url !== "/v1/messages")).toEqual([])
})

test("an upgrade is answered as a plain request, and never passed on", async () => {
  const answer = await sendFrom(hostile, {
    path: "/anthropic/v1/models",
    headers: { connection: "upgrade", upgrade: "websocket" },
  })
  expect(answer.status).toBe(200)
  expect(upstream.requests[0]?.headers["upgrade"]).toBeUndefined()
})

test("a sandbox that fills its connections fills its own", async () => {
  const sockets = await Promise.all(Array.from({ length: 64 }, () => connectFrom(hostile)))
  for (const socket of sockets) socket.write("GET /anthropic")
  await waitFor("the connections", () => gateway.gateway.health().connections === 64)
  const late = await Promise.all(Array.from({ length: 500 }, () => connectFrom(hostile)))
  await Promise.all(late.map((socket) => endOf(socket)))
  for (const socket of sockets) socket.destroy()
  await waitFor("the connections to go", () => gateway.gateway.health().connections === 0)
  expect((await sendFrom(hostile, { path: "/anthropic/v1/models" })).status).toBe(200)
})

function endOf(socket: Socket): Promise<unknown> {
  socket.resume()
  // What is turned away may be reset rather than ended.
  return new Promise((resolve) => {
    socket.once("error", resolve)
    socket.once("end", resolve)
    socket.once("close", resolve)
  }).finally(() => socket.destroy())
}

test("thousands of connections of many sandboxes are held, and new ones served", async () => {
  const sockets: Socket[] = []
  for (let generation = 10; generation < 42; generation++) {
    const directory = await gateway.grant({ upstreams: ["anthropic"] }, { generation })
    sockets.push(...(await Promise.all(Array.from({ length: 64 }, () => connectFrom(directory)))))
  }
  await waitFor("2,048 connections", () => gateway.gateway.health().connections === 2048)
  expect((await sendFrom(peaceful, { path: "/anthropic/v1/models" })).status).toBe(200)
  for (const socket of sockets) socket.destroy()
  await waitFor("the connections to go", () => gateway.gateway.health().connections <= 1)
})

test("a request that pipelines is answered in order", async () => {
  const received = await sendRaw(
    `GET /anthropic/v1/models HTTP/1.1\r\nhost: x\r\n\r\nGET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    true,
  )
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404"])
})
