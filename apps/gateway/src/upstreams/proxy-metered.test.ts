import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import {
  startStandIn,
  type ReceivedRequest,
  type StandInServer,
} from "../testing/stand-in-server.test-support.ts"
import {
  connectFrom,
  openFrom,
  postJson,
  type SandboxAnswer,
} from "../testing/sandbox-request.test-support.ts"
import {
  otherLogId,
  startTestGateway,
  testLogId,
  type TestGateway,
} from "../testing/start-test-gateway.test-support.ts"
import { waitFor } from "../testing/wait-for.test-support.ts"

let upstream: StandInServer
let gateway: TestGateway

const messages = "/anthropic/v1/messages"

/** Answers with usage as the body asks, `spend` being output tokens. */
function answerUsage(request: ReceivedRequest): string {
  const { spend = 1, input = 10 } = JSON.parse(request.body) as { spend?: number; input?: number }
  return JSON.stringify({ type: "message", usage: { input_tokens: input, output_tokens: spend } })
}

beforeEach(async () => {
  upstream = await startStandIn((request, response) => {
    response.setHeader("content-type", "application/json")
    response.end(answerUsage(request))
  })
  gateway = await startTestGateway(upstream.url)
})

afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  expect(gateway.errors).toEqual([])
})

const limited = (tokens: number, spent = 0): Parameters<TestGateway["grant"]>[0] => ({
  upstreams: ["anthropic", "openai", "google"],
  budget: { tokens },
  spent: { tokens: spent, usd: 0 },
})

function errorOf(answer: SandboxAnswer): { readonly type: string; readonly message: string } {
  return (JSON.parse(answer.body) as { error: { type: string; message: string } }).error
}

test("reports what each call took, with its price", async () => {
  const directory = await gateway.grant({ upstreams: ["anthropic"], spent: { tokens: 5, usd: 1 } })
  await postJson(directory, messages, { model: "priced-x", max_tokens: 9, spend: 4 })
  await gateway.reports.waitFor("the usage", () => gateway.reports.reports.length === 1)
  expect(gateway.reports.reports[0]).toMatchObject({
    type: "usage",
    logId: testLogId,
    generation: 1,
    upstream: "anthropic",
    model: "priced-x",
    usage: { inputTokens: 10, outputTokens: 4, cacheReadTokens: 0, cacheWriteTokens: 0, usd: 18 },
    isEstimate: false,
    spent: { tokens: 19, usd: 19 },
  })
})

test("a call whose highest cost does not fit is refused, told once, and never sent", async () => {
  const directory = await gateway.grant(limited(2_500))
  const answer = await postJson(directory, messages, { model: "m", max_tokens: 600 })
  expect(answer.status).toBe(429)
  expect(answer.headers["x-should-retry"]).toBe("false")
  expect(errorOf(answer)).toMatchObject({
    type: "budget_exhausted",
    message: expect.stringMatching(/0 of 2500 spent/),
  })
  await postJson(directory, messages, { model: "m", max_tokens: 600 })
  expect(upstream.requests).toEqual([])
  expect((await postJson(directory, messages, { model: "m", max_tokens: 100 })).status).toBe(200)
  await gateway.reports.waitFor("usage", () => gateway.reports.of("usage").length === 1)
  expect(gateway.reports.of("budget")).toMatchObject([
    { state: "exhausted", limit: { tokens: 2_500 }, spent: { tokens: 0, usd: 0 } },
  ])
})

test("each upstream's client is told in its own words", async () => {
  const directory = await gateway.grant(limited(10))
  const openai = await postJson(directory, "/openai/v1/responses", { model: "m", max_output_tokens: 5 })
  expect([openai.status, JSON.parse(openai.body)]).toMatchObject([
    429,
    { error: { code: "budget_exhausted" } },
  ])
  const google = await postJson(directory, "/google/v1beta/models/m:generateContent", {})
  expect([google.status, JSON.parse(google.body)]).toMatchObject([
    429,
    { error: { code: 429, status: "BUDGET_EXHAUSTED" } },
  ])
})

test("what was reserved and not used is free again; what was used is gone", async () => {
  const directory = await gateway.grant(limited(2_350))
  for (let call = 0; call < 3; call++) {
    const answer = await postJson(directory, messages, { model: "m", max_tokens: 200, spend: 40 })
    expect(answer.status).toBe(200)
  }
  // 150 are spent, and a call reserves 2,000 for hidden input, 200 for output and its body.
  expect((await postJson(directory, messages, { model: "m", max_tokens: 200 })).status).toBe(429)
  expect(upstream.requests).toHaveLength(3)
})

test("calls at once cannot reserve the same budget", async () => {
  const release: (() => void)[] = []
  upstream.answer = async (request, response) => {
    await new Promise<void>((resolve) => release.push(resolve))
    response.setHeader("content-type", "application/json")
    response.end(answerUsage(request))
  }
  // Each reserves 2,000 + 1,000 + its body of 33 bytes: two fit, and not three.
  const directory = await gateway.grant(limited(7_000))
  const answers: SandboxAnswer[] = []
  const calls = Array.from({ length: 20 }, async () => {
    answers.push(await postJson(directory, messages, { model: "m", max_tokens: 1000 }))
  })
  await waitFor("all but two to be refused", () => answers.length === 18 && release.length === 2)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]))
  // Only other calls are in the way: the budget is not used up, and the client may try again.
  expect(answers[0]?.headers["x-should-retry"]).toBe("true")
  for (const answer of release) answer()
  await Promise.all(calls)
  expect(answers.slice(18).map(({ status }) => status)).toEqual([200, 200])
  await gateway.reports.waitFor("usage", () => gateway.reports.of("usage").length === 2)
  expect(gateway.reports.of("budget")).toEqual([])
})

test("a budget belongs to the log: another generation shares it, another log does not", async () => {
  await gateway.grant(limited(3_000, 2_900))
  const next = await gateway.grant(limited(3_000), { generation: 2 })
  const other = await gateway.grant(limited(3_000), { logId: otherLogId })
  expect((await postJson(next, messages, { model: "m", max_tokens: 100 })).status).toBe(429)
  expect((await postJson(other, messages, { model: "m", max_tokens: 100 })).status).toBe(200)
  await gateway.reports.waitFor("usage", () => gateway.reports.of("usage").length === 1)
  expect(gateway.reports.of("usage")[0]).toMatchObject({ logId: otherLogId })
})

test("a raised budget lets calls through again and says so", async () => {
  const directory = await gateway.grant(limited(100, 100))
  expect((await postJson(directory, messages, { model: "m", max_tokens: 1 })).status).toBe(429)
  await gateway.grant(limited(10_000, 100))
  expect((await postJson(directory, messages, { model: "m", max_tokens: 1 })).status).toBe(200)
  await gateway.reports.waitFor("both states", () => gateway.reports.of("budget").length === 2)
  expect(gateway.reports.of("budget").map(({ state }) => state)).toEqual(["exhausted", "ok"])
})

test("a budget in dollars needs a price", async () => {
  const directory = await gateway.grant({ upstreams: ["anthropic"], budget: { usd: 3_000 } })
  const unknown = await postJson(directory, messages, { model: "m", max_tokens: 1 })
  expect([unknown.status, errorOf(unknown).message]).toEqual([403, expect.stringContaining("no price")])
  expect((await postJson(directory, messages, { model: "priced-x", max_tokens: 500 })).status).toBe(429)
  expect((await postJson(directory, messages, { model: "priced-x", max_tokens: 100 })).status).toBe(200)
})

test("a body that hides its cost is refused while a budget counts", async () => {
  const directory = await gateway.grant(limited(5_000))
  const path = messages
  for (const body of [`{"max_tokens":1,"max_tokens":90000}`, `{"model":"m",`, `{"max_tokens":1} //`]) {
    const answer = await openFrom(directory, {
      method: "POST",
      path,
      headers: { "content-type": "application/json" },
      body,
    })
    expect(answer.statusCode).toBe(400)
    answer.resume()
  }
  expect(upstream.requests).toEqual([])
})

test("a call that is abandoned costs what it might have taken", async () => {
  const directory = await gateway.grant(limited(10_000))
  upstream.answer = (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" })
    response.write(
      `data: {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}\n\n`,
    )
  }
  const body = `{"model":"m","max_tokens":700}`
  const socket = await connectFrom(directory)
  socket.write(
    `POST ${messages} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  let received = ""
  socket.on("data", (chunk) => (received += String(chunk)))
  await waitFor("the first event", () => received.includes("message_start"))
  socket.destroy()
  await gateway.reports.waitFor("the usage", () => gateway.reports.of("usage").length === 1)
  expect(gateway.reports.of("usage")[0]).toMatchObject({
    isEstimate: true,
    usage: { inputTokens: 9, outputTokens: 700 },
    spent: { tokens: 709 },
  })
  expect(gateway.reports.of("model_stream_cut")).toEqual([])
})

test.each([
  ["an error", 529, "application/json", `{"type":"error"}`, 0, 0],
  ["an answer without usage", 200, "application/json", `{"type":"message"}`, 1, 0],
  ["a stream without its end", 200, "text/event-stream", `data: {"type":"ping"}\n\n`, 1, 1],
])("%s is booked as it should be", async (_name, status, type, body, usages, cuts) => {
  upstream.answer = (_request, response) => {
    response.writeHead(status, { "content-type": type })
    response.end(body)
  }
  const directory = await gateway.grant(limited(5_000))
  const answer = await postJson(directory, messages, { model: "m", max_tokens: 100 })
  expect(answer).toMatchObject({ status, body })
  await waitFor("the books to close", () => gateway.gateway.health().pendingReports === 0)
  // The reservation is gone either way: the next call finds what is left.
  const next = await postJson(directory, messages, { model: "m", max_tokens: 2_000 })
  expect(next.status).toBe(usages === 0 ? status : 429)
  await gateway.reports.waitFor("usage", () => gateway.reports.of("usage").length === usages)
  expect(gateway.reports.of("model_stream_cut")).toHaveLength(cuts)
})

test("calls that cost nothing are not booked", async () => {
  const directory = await gateway.grant(limited(1))
  const answer = await postJson(directory, "/anthropic/v1/messages/count_tokens", { model: "m" })
  expect(answer.status).toBe(200)
  expect(gateway.reports.reports).toEqual([])
})

test("while the spool is full, calls are refused rather than made unbooked", async () => {
  gateway.reports.accept = () => null
  const directory = await gateway.grant({ upstreams: ["anthropic"] })
  await gateway.gateway.close()
  const base = { logId: testLogId, generation: 1, at: "", type: "model_stream_cut", callId: "", upstream: "" }
  const lines = Array.from({ length: 17 }, (_, index) => {
    const one = { ...base, id: `old-${index}`, reason: "x".repeat(1024 * 1024) }
    return `${JSON.stringify({ add: [one], close: null })}\n`
  })
  await writeFile(join(gateway.config.stateDirectory, "reports.ndjson"), lines.join(""))
  await gateway.restart()
  const refused = await postJson(directory, messages, { model: "m", max_tokens: 1 })
  expect([refused.status, refused.headers["x-should-retry"]]).toEqual([503, "true"])
  expect(upstream.requests).toEqual([])
  gateway.reports.accept = (batch) => batch
  await gateway.client.health()
  await waitFor("the server to take them", () => gateway.gateway.health().pendingReports === 0)
  expect((await postJson(directory, messages, { model: "m", max_tokens: 1 })).status).toBe(200)
})
