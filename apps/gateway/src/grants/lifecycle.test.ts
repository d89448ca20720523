import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { startReportServer } from "../testing/report-server.test-support.ts"
import { connectFrom, postJson, sendFrom } from "../testing/sandbox-request.test-support.ts"
import { startStandIn, type StandInServer } from "../testing/stand-in-server.test-support.ts"
import {
  operatorKeys,
  otherLogId,
  startTestGateway,
  testLogId,
  type TestGateway,
} from "../testing/start-test-gateway.test-support.ts"
import { waitFor } from "../testing/wait-for.test-support.ts"

let upstream: StandInServer
let gateway: TestGateway
const messages = "/anthropic/v1/messages"

beforeEach(async () => {
  upstream = await startStandIn((_request, response) => {
    response.setHeader("content-type", "application/json")
    response.end(`{"type":"message","usage":{"input_tokens":10,"output_tokens":90}}`)
  })
  gateway = await startTestGateway(upstream.url)
})

afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  expect(gateway.errors).toEqual([])
})

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

test("a grant's folder can be mounted by another user, found by nobody and written by none", async () => {
  const directory = await gateway.grant()
  expect(dirname(directory)).toBe(gateway.config.socketRoot)
  expect(Buffer.byteLength(join(directory, "gateway.sock"))).toBeLessThan(100)
  expect(await modeOf(gateway.config.socketRoot)).toBe(0o711)
  expect(await modeOf(directory)).toBe(0o755)
  expect(await modeOf(join(directory, "gateway.sock"))).toBe(0o666)
  expect(await modeOf(gateway.config.controlSocket)).toBe(0o600)
  expect(await readdir(directory)).toEqual(["gateway.sock"])
})

test("putting a grant again keeps its folder", async () => {
  const [one, other] = await Promise.all([gateway.grant(), gateway.grant()])
  expect(other).toBe(one)
  expect(await gateway.grant({}, { generation: 2 })).not.toBe(one)
  expect(await gateway.grant({}, { logId: otherLogId })).not.toBe(one)
  expect(await gateway.client.health()).toMatchObject({ protocol: 1, pid: process.pid, grants: 3, faults: 0 })
})

test("each socket gives its own grant and no other", async () => {
  const one = await gateway.grant({ upstreams: ["anthropic"] })
  const other = await gateway.grant({ upstreams: ["openai"] }, { logId: otherLogId })
  expect((await postJson(one, "/openai/v1/responses", { model: "m" })).status).toBe(403)
  expect((await postJson(other, messages, { model: "m" })).status).toBe(403)
  expect((await postJson(one, messages, { model: "m" })).status).toBe(200)
  await gateway.reports.waitFor("three reports", () => gateway.reports.reports.length === 3)
  const logs = gateway.reports.reports.map(({ type, logId }) => `${type} ${logId}`)
  expect(logs.toSorted()).toEqual([`refused ${testLogId}`, `refused ${otherLogId}`, `usage ${testLogId}`])
})

test("deleting a grant cuts its connections, settles its calls and removes its folder; again is no error", async () => {
  let reached = 0
  upstream.answer = () => void reached++
  const directory = await gateway.grant({
    upstreams: ["anthropic"],
    budget: { tokens: 10_000 },
  })
  const call = postJson(directory, messages, { model: "m", max_tokens: 50 })
  const idle = await connectFrom(directory)
  idle.resume()
  const ended = new Promise((resolve) => idle.once("end", resolve))
  await waitFor("the call", () => reached === 1)
  const [outcome] = await Promise.allSettled([
    call,
    gateway.client.deleteGrant({ logId: testLogId, generation: 1 }),
  ])
  expect(outcome.status).toBe("rejected")
  await ended
  await expect(stat(directory)).rejects.toThrow(/ENOENT/)
  expect(gateway.gateway.health()).toMatchObject({ grants: 0, connections: 0 })
  await gateway.client.deleteGrant({ logId: testLogId, generation: 1 })
  await gateway.reports.waitFor("the usage", () => gateway.reports.of("usage").length === 1)
  expect(gateway.reports.of("usage")[0]).toMatchObject({ isEstimate: true, usage: { outputTokens: 50 } })
  await gateway.restart()
  expect(gateway.gateway.health().grants).toBe(0)
})

test("a new grant of a log knows what the last one spent, though the server does not yet", async () => {
  gateway.reports.accept = () => null
  const directory = await gateway.grant({ upstreams: ["anthropic"], budget: { tokens: 10_000 } })
  await postJson(directory, messages, { model: "m", max_tokens: 100 })
  await waitFor("the usage", () => gateway.gateway.health().pendingReports === 1)
  await gateway.client.deleteGrant({ logId: testLogId, generation: 1 })
  const next = await gateway.grant({ upstreams: ["anthropic"], budget: { tokens: 99 } }, { generation: 2 })
  const answer = await postJson(next, messages, { model: "m", max_tokens: 1 })
  expect([answer.status, answer.body]).toEqual([429, expect.stringContaining("100 of 99 spent")])
})

test("grants outlive the gateway: same folder, same policy, same spending, keys from the new start", async () => {
  const directory = await gateway.grant({ upstreams: ["anthropic"], budget: { tokens: 2_250 } })
  const mounted = (await stat(directory)).ino
  await writeFile(join(directory, "tools.sock"), "")
  expect((await postJson(directory, messages, { model: "m", max_tokens: 150 })).status).toBe(200)
  await gateway.reports.waitFor("the usage", () => gateway.reports.of("usage").length === 1)
  await gateway.restart()
  expect((await stat(directory)).ino).toBe(mounted)
  expect((await readdir(directory)).toSorted()).toEqual(["gateway.sock", "tools.sock"])
  const answer = await postJson(directory, messages, { model: "m", max_tokens: 150 })
  expect([answer.status, answer.body]).toEqual([429, expect.stringContaining("100 of 2250 spent")])
  expect((await postJson(directory, messages, { model: "m", max_tokens: 50 })).status).toBe(200)
  expect(upstream.requests.at(-1)?.headers["x-api-key"]).toBe(operatorKeys.anthropic)
})

test("nothing on disk holds a key", async () => {
  const directory = await gateway.grant({ upstreams: ["anthropic"] })
  await postJson(directory, messages, { model: "m", max_tokens: 1 })
  await gateway.reports.waitFor("the usage", () => gateway.reports.of("usage").length === 1)
  await gateway.gateway.close()
  const names = await readdir(gateway.folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile())
  expect(files.length).toBeGreaterThan(2)
  for (const file of files) {
    const content = await readFile(join(file.parentPath, file.name), "utf8")
    expect([file.name, content.includes("operator-key")]).toEqual([file.name, false])
  }
})

test("reports wait for a server that is away, over a restart, and come once", async () => {
  const directory = await gateway.grant({ upstreams: ["anthropic"] })
  await gateway.reports[Symbol.asyncDispose]()
  for (let call = 0; call < 3; call++) await postJson(directory, messages, { model: "m", max_tokens: 1 })
  await waitFor("three reports", () => gateway.gateway.health().pendingReports === 3)
  await gateway.restart()
  expect(gateway.gateway.health().pendingReports).toBe(3)
  await using server = await startReportServer(gateway.config.serverSocket)
  await gateway.client.health()
  await server.waitFor("three reports", () => server.reports.length === 3)
  await waitFor("the spool to empty", () => gateway.gateway.health().pendingReports === 0)
  expect(new Set(server.reports.map(({ id }) => id)).size).toBe(3)
  await gateway.restart()
  expect(gateway.gateway.health().pendingReports).toBe(0)
  expect([...server.arrivals.values()]).toEqual([1, 1, 1])
})

test("a report is sent again until it is taken, and what was taken is not", async () => {
  let answers = 0
  gateway.reports.accept = (batch) => {
    answers++
    if (answers === 1) return null
    return answers === 2 ? batch.slice(0, 1) : batch
  }
  const directory = await gateway.grant({ network: "none" })
  await sendFrom(directory, { path: "http://one.example/" })
  await sendFrom(directory, { path: "http://two.example/" })
  await gateway.reports.waitFor("both", () => gateway.reports.reports.length === 2)
  await waitFor("the spool to empty", () => gateway.gateway.health().pendingReports === 0)
  const [first] = gateway.reports.reports
  expect(gateway.reports.arrivals.get(first?.id ?? "")).toBeLessThanOrEqual(2)
})

test("a damaged spool or grant is told and left out, and the rest lives", async () => {
  gateway.reports.accept = () => null
  const directory = await gateway.grant({ upstreams: ["anthropic"] })
  await postJson(directory, messages, { model: "m", max_tokens: 1 })
  await waitFor("a report", () => gateway.gateway.health().pendingReports === 1)
  await gateway.gateway.close()
  const state = gateway.config.stateDirectory
  const spool = await readFile(join(state, "reports.ndjson"), "utf8")
  await writeFile(join(state, "reports.ndjson"), `garbage\n${spool}{"add":[{"torn`)
  await writeFile(join(state, "grants", "broken.json"), "{")
  await mkdir(join(state, "grants", "folder.json"))
  await gateway.restart()
  expect(gateway.gateway.health()).toMatchObject({ grants: 1, pendingReports: 1 })
  expect(gateway.errors.splice(0)).toHaveLength(3)
  await rm(join(state, "grants", "folder.json"), { recursive: true })
})

test("a call that a dead gateway left open is charged and told", async () => {
  await gateway.grant({ upstreams: ["anthropic"], budget: { tokens: 2_000 } })
  await gateway.gateway.close()
  const call = {
    callId: "call-1",
    logId: testLogId,
    generation: 1,
    upstream: "anthropic",
    model: "priced-x",
    reserved: { inputTokens: 1_500, outputTokens: 400, usd: 2 },
  }
  await writeFile(
    join(gateway.config.stateDirectory, "reports.ndjson"),
    `${JSON.stringify({ open: call })}\n`,
  )
  await gateway.restart()
  await gateway.reports.waitFor("both", () => gateway.reports.reports.length === 2)
  expect(gateway.reports.of("model_stream_cut")[0]).toMatchObject({ callId: "call-1" })
  expect(gateway.reports.of("usage")[0]).toMatchObject({
    callId: "call-1",
    isEstimate: true,
    usage: { inputTokens: 1_500, outputTokens: 400, usd: 2 },
    spent: { tokens: 1_900, usd: 2 },
  })
  await gateway.restart()
  expect(gateway.reports.reports).toHaveLength(2)
})

test("a second gateway on the same state or socket is refused", async () => {
  const { gatewayConfig } = await import("../config.ts")
  const { startGateway } = await import("../start-gateway.ts")
  const { systemClock } = await import("../process/system-clock.ts")
  const quiet = (): void => undefined
  const start = (stateDirectory: string): Promise<unknown> =>
    startGateway({
      config: gatewayConfig.parse({ ...gateway.config, stateDirectory }),
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      clock: systemClock,
      newId: () => "",
      network: gateway.network,
    })
  await expect(start(gateway.config.stateDirectory)).rejects.toMatchObject({ code: "conflict" })
  await expect(start(join(gateway.folder, "other"))).rejects.toMatchObject({ code: "conflict" })
  expect((await gateway.client.health()).pid).toBe(process.pid)
})

test("the control API refuses what it cannot read, without quoting it", async () => {
  const { client } = gateway
  const request = {
    project: "p",
    sessionId: "s",
    network: "none" as const,
    upstreams: [],
    budget: null,
    spent: { tokens: 0, usd: 0 },
  }
  await expect(client.putGrant({ logId: "../x", generation: 1 }, request)).rejects.toMatchObject({
    code: "not_found",
  })
  await expect(client.putGrant({ logId: testLogId, generation: -1 }, request)).rejects.toMatchObject({
    code: "not_found",
  })
  await expect(
    client.putGrant({ logId: testLogId, generation: 1 }, { ...request, network: "some" as "none" }),
  ).rejects.toMatchObject({ code: "bad_params", message: expect.stringContaining("network") })
  const secret = { anthropic: { baseUrl: "nonsense", apiKey: "sk secret" } }
  const failure: unknown = await client
    .configure({ upstreams: secret, prices: [] })
    .catch((error: unknown) => error)
  expect(failure).toMatchObject({
    code: "bad_params",
    message: expect.stringContaining("upstreams.anthropic.apiKey"),
  })
  expect(String(failure)).not.toContain("sk secret")
})

test("a client without a gateway says so", async () => {
  await gateway.gateway.close()
  await expect(gateway.client.health()).rejects.toMatchObject({ code: "unavailable" })
  await gateway.restart()
  expect((await gateway.client.health()).grants).toBe(0)
})
