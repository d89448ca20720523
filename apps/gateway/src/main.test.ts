import { spawn } from "node:child_process"
import { once } from "node:events"
import type { ServerResponse } from "node:http"
import { mkdtemp, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { GatewayConfigInput } from "./config.ts"
import { createGatewayClient, type GatewayClient } from "./control/gateway-client.ts"
import type { GrantRequest } from "./control/grant-request.ts"
import { spawnGateway, type SpawnGatewayOptions } from "./spawn-gateway.ts"
import { startReportServer } from "./testing/report-server.test-support.ts"
import { openFrom, postJson } from "./testing/sandbox-request.test-support.ts"
import { startStandIn, type StandInServer } from "./testing/stand-in-server.test-support.ts"
import { testLogId } from "./testing/start-test-gateway.test-support.ts"
import { waitFor } from "./testing/wait-for.test-support.ts"

let folder: string
let options: SpawnGatewayOptions
let config: GatewayConfigInput
let client: GatewayClient
let upstream: StandInServer
const pids: number[] = []
const key = { logId: testLogId, generation: 1 }
const grant: GrantRequest = {
  project: "default",
  sessionId: "sess-1",
  network: "none",
  upstreams: ["anthropic"],
  budget: { tokens: 100_000 },
  spent: { tokens: 0, usd: 0 },
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gwp-"))
  upstream = await startStandIn((_request, response) => {
    response.setHeader("content-type", "application/json")
    response.end(`{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}`)
  })
  config = {
    protocol: 1,
    controlSocket: join(folder, "control.sock"),
    socketRoot: join(folder, "s"),
    stateDirectory: join(folder, "state"),
    serverSocket: join(folder, "server.sock"),
    upstreams: { anthropic: { baseUrl: upstream.url, apiKey: "operator-key" } },
    prices: [],
    logLevel: "debug",
  }
  options = {
    execPath: process.execPath,
    entry: new URL("main.ts", import.meta.url).pathname,
    config,
    env: {},
  }
  client = createGatewayClient(config)
})

afterEach(async () => {
  for (const pid of pids.splice(0)) if (isAlive(pid)) process.kill(pid, "SIGKILL")
  await client.close()
  await upstream[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function start(): Promise<number> {
  const { pid } = await spawnGateway(options)
  pids.push(pid)
  return pid
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function kill(pid: number, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  process.kill(pid, signal)
  await waitFor("its end", () => !isAlive(pid))
}

test("it starts, serves, ends on SIGTERM, and writes no key anywhere", async () => {
  const pid = await start()
  expect(await client.health()).toMatchObject({ pid, protocol: 1, grants: 0 })
  const { directory } = await client.putGrant(key, grant)
  const answer = await postJson(directory, "/anthropic/v1/messages", { model: "m", max_tokens: 1 })
  expect(answer.status).toBe(200)
  expect(upstream.requests[0]?.headers["x-api-key"]).toBe("operator-key")
  await kill(pid, "SIGTERM")
  await expect(stat(config.controlSocket)).rejects.toThrow(/ENOENT/)
  const log = await readFile(join(config.stateDirectory, "gateway.log"), "utf8")
  expect(log).toContain("listening")
  expect(log).not.toContain("operator-key")
  expect(JSON.parse(log.split("\n")[0] ?? "")).toMatchObject({ name: "gateway" })
})

test("a second one is refused with the reason, and the first lives on", async () => {
  const pid = await start()
  await expect(spawnGateway(options)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("Another gateway is alive"),
  })
  expect((await client.health()).pid).toBe(pid)
})

test("a wrong configuration is refused without its keys", async () => {
  const wrong = { ...config, upstreams: { anthropic: { baseUrl: "nowhere", apiKey: "operator-key" } } }
  const failure: unknown = await spawnGateway({ ...options, config: wrong }).catch((error: unknown) => error)
  expect(String(failure)).toContain("upstreams.anthropic.baseUrl")
  expect(String(failure)).not.toContain("operator-key")
})

test("a model's stream goes on when whoever started the gateway is killed", async () => {
  const server = spawn(
    process.execPath,
    [new URL("testing/spawn-and-wait.test-support.ts", import.meta.url).pathname],
    {
      stdio: ["pipe", "pipe", "inherit"],
      detached: true,
    },
  )
  server.stdin.end(JSON.stringify(options))
  const [line] = (await once(server.stdout, "data")) as [Buffer]
  const pid = Number(line.toString())
  pids.push(pid)
  const { directory } = await client.putGrant(key, grant)
  const streaming = new Promise<ServerResponse>((resolve) => {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write("data: one\n\n")
      resolve(response)
    }
  })
  const opening = openFrom(directory, {
    method: "POST",
    path: "/anthropic/v1/messages",
    headers: { "content-type": "application/json" },
    body: `{"model":"m","max_tokens":1}`,
  })
  const source = await streaming
  const answer = await opening
  let received = ""
  answer.on("data", (chunk) => (received += String(chunk)))
  await waitFor("the first event", () => received.includes("one"))
  // The whole process group of the server, as a service manager or a terminal would.
  process.kill(-(server.pid ?? 0), "SIGKILL")
  await once(server, "exit")
  source.end("data: two\n\n")
  await waitFor("the second event", () => received.includes("two"))
  expect((await client.health()).pid).toBe(pid)
})

test("after SIGKILL another one takes over: same sockets, the open call charged and told", async () => {
  const first = await start()
  const { directory } = await client.putGrant(key, grant)
  const mounted = (await stat(directory)).ino
  let reached = 0
  upstream.answer = () => void reached++
  const call = postJson(directory, "/anthropic/v1/messages", { model: "m", max_tokens: 500 })
  await waitFor("the call", () => reached === 1)
  const [outcome] = await Promise.allSettled([call, kill(first, "SIGKILL")])
  expect(outcome.status).toBe("rejected")
  await start()
  expect((await stat(directory)).ino).toBe(mounted)
  await using server = await startReportServer(config.serverSocket)
  expect((await client.health()).grants).toBe(1)
  await server.waitFor("the call", () => server.reports.length === 2)
  expect(server.of("usage")[0]).toMatchObject({ ...key, isEstimate: true, usage: { outputTokens: 500 } })
  expect(server.of("model_stream_cut")[0]).toMatchObject({ upstream: "anthropic" })
  upstream.answer = (_request, response) => void response.end("{}")
  expect((await postJson(directory, "/anthropic/v1/messages", { model: "m", max_tokens: 1 })).status).toBe(
    200,
  )
})
