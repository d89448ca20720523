import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { afterEach, beforeEach, expect, test } from "vitest"
import { startStandIn, type StandInServer } from "../testing/stand-in-server.test-support.ts"
import { connectFrom, connectTo, sendFrom } from "../testing/sandbox-request.test-support.ts"
import { startTestGateway, type TestGateway } from "../testing/start-test-gateway.test-support.ts"
import { waitFor } from "../testing/wait-for.test-support.ts"

const publicAddress = "93.184.215.14"
let site: StandInServer
let gateway: TestGateway
let echo: Server
let echoSockets: Socket[]

beforeEach(async () => {
  site = await startStandIn((request, response) => {
    response.setHeader("x-from", "site")
    response.end(`${request.method} ${request.url} ${request.body}`)
  })
  echoSockets = []
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    echoSockets.push(socket)
    socket.on("error", () => socket.destroy())
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve))
  gateway = await startTestGateway(site.url)
  const { network } = gateway
  network.names.set("site.example", [[publicAddress]])
  network.routes.set(`${publicAddress}:80`, site.port)
  network.routes.set(`${publicAddress}:443`, (echo.address() as AddressInfo).port)
})

afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
  for (const socket of echoSockets) socket.destroy()
  await new Promise((resolve) => echo.close(resolve))
  expect(gateway.errors).toEqual([])
})

async function tunnelStatus(directory: string, authority: string): Promise<number> {
  const { status, socket } = await connectTo(directory, authority)
  socket.destroy()
  return status
}

test("a tunnel carries bytes both ways and keeps half-closed ends", async () => {
  const directory = await gateway.grant({ network: { allow: ["site.example"] } })
  const { status, socket } = await connectTo(directory, "site.example:443")
  expect(status).toBe(200)
  socket.end("hello")
  expect(await text(socket)).toBe("hello")
  expect(gateway.network.dialled).toEqual([`${publicAddress}:443`])
})

test("bytes sent together with CONNECT are not lost", async () => {
  const directory = await gateway.grant({ network: "all" })
  const socket = await connectFrom(directory)
  socket.end("CONNECT site.example:443 HTTP/1.1\r\nhost: site.example:443\r\n\r\nearly")
  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 .*\r\n\r\nearly$/s)
})

test("a plain request is passed on without proxy headers, and with the host of its URL", async () => {
  const directory = await gateway.grant({ network: { allow: ["site.example"] } })
  const answer = await sendFrom(directory, {
    method: "PUT",
    path: "http://site.example/a?b=1",
    headers: { host: "other.example", "proxy-authorization": "x", "x-kept": "1", authorization: "mine" },
    body: "body",
  })
  expect(answer).toMatchObject({ status: 200, body: "PUT /a?b=1 body", headers: { "x-from": "site" } })
  expect(site.requests[0]?.headers).toMatchObject({
    host: "site.example",
    "x-kept": "1",
    authorization: "mine",
  })
  expect(site.requests[0]?.headers["proxy-authorization"]).toBeUndefined()
  expect((await sendFrom(directory, { path: "http://site.example?q" })).body).toBe("GET /?q ")
})

test.each([
  ["none", "site.example:443", 403],
  ["all", "site.example:443", 200],
  ["all", "site.example:22", 403],
  ["all", "site.example:8787", 403],
  ["all", "no.such.name:443", 502],
  ["all", "no.route.example:443", 502],
  ["all", "localhost:80", 403],
  ["all", "127.0.0.1:80", 403],
  ["all", "2130706433:80", 403],
  ["all", "0x7f.1:80", 403],
  ["all", "[::1]:443", 403],
  ["all", "[::ffff:127.0.0.1]:443", 403],
  ["all", "[64:ff9b::a9fe:a9fe]:80", 403],
  ["all", "169.254.169.254:80", 403],
  ["all", "metadata.example:80", 403],
  ["all", "mixed.example:443", 403],
  ["all", "own.example:443", 403],
  ["all", "9.9.9.9:443", 403],
  ["all", `${publicAddress}:443`, 200],
  ["all", "garbage", 400],
  ["all", "a@b:443", 400],
] as const)("network %j, CONNECT %s: %i", async (network, authority, status) => {
  gateway.network.names
    .set("localhost", [["127.0.0.1", "::1"]])
    .set("metadata.example", [["169.254.169.254"]])
    .set("mixed.example", [[publicAddress, "10.0.0.1"]])
    .set("own.example", [["9.9.9.9"]])
    .set("no.route.example", [["1.1.1.1"]])
  const directory = await gateway.grant({ network })
  expect(await tunnelStatus(directory, authority)).toBe(status)
  expect(
    gateway.network.dialled.some((address) => /^(127|10|169|9)\.|:/.test(address.replace(/:\d+$/, ""))),
  ).toBe(false)
})

test("a refusal names the host, in the answer and in a report", async () => {
  const directory = await gateway.grant({ network: { allow: ["other.example"] } })
  const { head, socket } = await connectTo(directory, "site.example:443")
  socket.destroy()
  const body: unknown = JSON.parse(head.slice(head.indexOf("\r\n\r\n") + 4))
  expect(body).toMatchObject({
    error: "Forbidden",
    code: "forbidden",
    details: { host: "site.example", port: 443, reason: "this host is not in the session's network list" },
  })
  const plain = await sendFrom(directory, { path: "http://site.example/" })
  expect([plain.status, JSON.parse(plain.body)]).toMatchObject([
    403,
    { details: { host: "site.example", port: 80 } },
  ])
  await gateway.reports.waitFor("two refusals", () => gateway.reports.of("refused").length === 2)
  expect(gateway.reports.of("refused")[0]).toMatchObject({ kind: "network", host: "site.example", port: 443 })
  // A host that is not allowed is not even asked for: names can carry secrets out.
  expect(gateway.network.resolved).toEqual([])
})

test("a flood of refusals becomes a few reports", async () => {
  const directory = await gateway.grant({ network: "none" })
  for (let count = 0; count < 60; count++) {
    expect(await tunnelStatus(directory, `host-${count % 30}.example:443`)).toBe(403)
  }
  await gateway.reports.waitFor("reports", () => gateway.reports.of("refused").length >= 20)
  expect(gateway.reports.of("refused")).toHaveLength(20)
})

test("a name is resolved once: a second, private answer is never asked for nor dialled", async () => {
  gateway.network.names.set("rebind.example", [[publicAddress], ["127.0.0.1"]])
  const directory = await gateway.grant({ network: "all" })
  const { status, socket } = await connectTo(directory, "rebind.example:443")
  expect(status).toBe(200)
  socket.destroy()
  expect(gateway.network.resolved).toEqual(["rebind.example"])
  expect(gateway.network.dialled).toEqual([`${publicAddress}:443`])
  expect(await tunnelStatus(directory, "rebind.example:443")).toBe(403)
  const plain = await sendFrom(directory, { path: "http://rebind.example/" })
  expect(plain.status).toBe(403)
  expect(gateway.network.dialled).toEqual([`${publicAddress}:443`])
})

test("the next address is tried when one does not answer", async () => {
  gateway.network.names.set("two.example", [["1.1.1.1", publicAddress]])
  const directory = await gateway.grant({ network: "all" })
  expect(await tunnelStatus(directory, "two.example:443")).toBe(200)
  expect(gateway.network.dialled).toEqual(["1.1.1.1:443", `${publicAddress}:443`])
})

test("both ends of a tunnel go when one breaks", async () => {
  const directory = await gateway.grant({ network: "all" })
  const first = await connectTo(directory, "site.example:443")
  await waitFor("its other end", () => echoSockets.length === 1)
  const gone = once(echoSockets[0] as Socket, "close")
  first.socket.destroy()
  await gone
  const second = await connectTo(directory, "site.example:443")
  await waitFor("its other end", () => echoSockets.length === 2)
  const closed = once(second.socket, "end")
  second.socket.resume()
  echoSockets[1]?.resetAndDestroy()
  await closed
  second.socket.destroy()
  await waitFor("the connections to go", () => gateway.gateway.health().connections === 0)
  expect(gateway.gateway.health().faults).toBe(0)
})

test("a policy that changes holds for the next connection", async () => {
  const directory = await gateway.grant({ network: "none" })
  expect(await tunnelStatus(directory, "site.example:443")).toBe(403)
  await gateway.grant({ network: { allow: ["*.example"] } })
  expect(await tunnelStatus(directory, "site.example:443")).toBe(200)
})

test("a policy that changes cuts the connections it forbids, and only those", async () => {
  gateway.network.names.set("kept.example", [[publicAddress]])
  const directory = await gateway.grant({ network: "all" })
  const cut = await connectTo(directory, "site.example:443")
  const kept = await connectTo(directory, "kept.example:443")
  const ended = once(cut.socket, "end")
  cut.socket.resume()
  await gateway.grant({ network: { allow: ["kept.example"] } })
  await ended
  cut.socket.destroy()
  kept.socket.end("still here")
  expect(await text(kept.socket)).toBe("still here")
})

test("absolute https and other schemes are refused with advice", async () => {
  const directory = await gateway.grant({ network: "all" })
  for (const path of ["https://site.example/", "ftp://site.example/", "http://", "http://a b/", "*"]) {
    const answer = await sendFrom(directory, { path: path.replace(" ", "%20") })
    expect([path, answer.status]).toEqual([path, 400])
  }
})

test("a site that breaks off gives 502, or a broken answer, and harms nothing", async () => {
  const directory = await gateway.grant({ network: "all" })
  site.answer = (_request, response) => void response.destroy()
  expect((await sendFrom(directory, { path: "http://site.example/" })).status).toBe(502)
  site.answer = (_request, response) => {
    response.writeHead(200, { "content-length": 10 })
    response.write("half", () => response.destroy())
  }
  await expect(sendFrom(directory, { path: "http://site.example/" })).rejects.toThrow(/aborted/)
  site.answer = (_request, response) => void response.end("whole")
  expect((await sendFrom(directory, { path: "http://site.example/" })).body).toBe("whole")
})
