import fc from "fast-check"
import { expect, test } from "vitest"
import { createAnswerMeter } from "./answer-meter.ts"
import type { AnswerTally } from "./upstream.ts"
import { upstreamTable, type UpstreamName } from "./upstream-table.ts"

const sse = (...events: readonly unknown[]): string =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("")

const anthropicEvents = [
  {
    type: "message_start",
    message: {
      model: "claude-x",
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 30,
        cache_creation: { ephemeral_1h_input_tokens: 5 },
        cache_read_input_tokens: 20,
        output_tokens: 1,
      },
    },
  },
  { type: "content_block_delta", delta: { type: "text_delta", text: `"usage":{"output_tokens":9999} é` } },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 42 } },
]
const anthropicUsage = {
  inputTokens: 10,
  outputTokens: 42,
  cacheReadTokens: 20,
  cacheWriteTokens: 30,
  longCacheWriteTokens: 5,
}
const plainUsage = {
  inputTokens: 6,
  outputTokens: 8,
  cacheReadTokens: 4,
  cacheWriteTokens: 0,
  longCacheWriteTokens: 0,
}
const chatUsage = { prompt_tokens: 10, completion_tokens: 8, prompt_tokens_details: { cached_tokens: 4 } }
const responsesUsage = { input_tokens: 10, output_tokens: 8, input_tokens_details: { cached_tokens: 4 } }
const googleUsage = {
  promptTokenCount: 10,
  cachedContentTokenCount: 4,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 3,
}
const googleChunks = [
  { candidates: [{ content: {} }], usageMetadata: { promptTokenCount: 10 } },
  { candidates: [{ finishReason: "STOP" }], usageMetadata: googleUsage, modelVersion: "gemini-x" },
]

const cases: readonly [string, UpstreamName, string, string, Partial<AnswerTally>][] = [
  [
    "anthropic stream",
    "anthropic",
    "text/event-stream; charset=utf-8",
    sse(...anthropicEvents, { type: "message_stop" }),
    { usage: anthropicUsage, model: "claude-x", isFinal: true, failure: null },
  ],
  [
    "anthropic stream without its end",
    "anthropic",
    "text/event-stream",
    sse(...anthropicEvents),
    { usage: anthropicUsage, isFinal: false },
  ],
  [
    "anthropic error in a stream",
    "anthropic",
    "text/event-stream",
    sse(anthropicEvents[0], { type: "error", error: { type: "overloaded_error" } }),
    { isFinal: false, failure: "overloaded_error" },
  ],
  [
    "anthropic JSON",
    "anthropic",
    "application/json",
    JSON.stringify({ type: "message", model: "claude-x", usage: { input_tokens: 3, output_tokens: 4 } }),
    { model: "claude-x", isFinal: true },
  ],
  [
    "openai responses stream",
    "openai",
    "text/event-stream",
    sse(
      { type: "response.created", response: { model: "gpt-x", usage: null } },
      { type: "response.completed", response: { model: "gpt-x", output: [{}], usage: responsesUsage } },
    ),
    { usage: plainUsage, model: "gpt-x", isFinal: true },
  ],
  [
    "openai response that failed",
    "openai",
    "text/event-stream",
    sse({ type: "response.failed", response: { error: { code: "server_error" }, usage: null } }),
    { usage: null, failure: "server_error" },
  ],
  [
    "openai responses JSON",
    "openai",
    "application/json",
    JSON.stringify({ object: "response", model: "gpt-x", usage: responsesUsage }),
    { usage: plainUsage, isFinal: true },
  ],
  [
    "openai chat stream with usage",
    "openai",
    "text/event-stream",
    sse(
      { model: "gpt-x", choices: [{ finish_reason: null }], usage: null },
      { model: "gpt-x", choices: [{ finish_reason: "stop" }], usage: null },
      { model: "gpt-x", choices: [], usage: chatUsage },
      "[DONE]",
    ),
    { usage: plainUsage, model: "gpt-x", isFinal: true },
  ],
  [
    "openai chat stream without usage",
    "openai",
    "text/event-stream",
    sse({ model: "gpt-x", choices: [{ finish_reason: "stop" }] }, "[DONE]"),
    { usage: null, isFinal: true },
  ],
  [
    "google stream",
    "google",
    "text/event-stream",
    sse(...googleChunks),
    { usage: plainUsage, model: "gemini-x", isFinal: true },
  ],
  [
    "google array",
    "google",
    "application/json",
    JSON.stringify(googleChunks, null, 2),
    { usage: plainUsage, model: "gemini-x", isFinal: true },
  ],
]

function meter(upstream: UpstreamName, contentType: string, pieces: readonly Uint8Array[]): AnswerTally {
  const reader = upstreamTable[upstream].routes[0]?.meter?.answer
  if (reader === undefined) throw new Error("the first route is metered")
  const answerMeter = createAnswerMeter(reader, contentType)
  for (const piece of pieces) answerMeter.write(piece)
  return answerMeter.end()
}

test.each(cases)("%s: read the same, cut at every byte", (_name, upstream, contentType, text, expected) => {
  const bytes = Buffer.from(text)
  const whole = meter(upstream, contentType, [bytes])
  expect(whole).toMatchObject(expected)
  for (let at = 1; at < bytes.length; at++) {
    expect(meter(upstream, contentType, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole)
  }
})

test.each(cases)("%s: read the same in any pieces", (_name, upstream, contentType, text) => {
  const bytes = Buffer.from(text)
  const whole = meter(upstream, contentType, [bytes])
  fc.assert(
    fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 }), (cuts) => {
      const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.length]
      const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
      expect(meter(upstream, contentType, pieces)).toEqual(whole)
    }),
  )
})

test.each(cases)(
  "%s: a stream cut short is never taken for a whole one with more usage",
  (_name, upstream, contentType, text) => {
    const bytes = Buffer.from(text)
    const whole = meter(upstream, contentType, [bytes])
    for (let at = 0; at < bytes.length; at++) {
      const cut = meter(upstream, contentType, [bytes.subarray(0, at)])
      expect(cut.usage?.outputTokens ?? 0).toBeLessThanOrEqual(whole.usage?.outputTokens ?? 0)
      expect(cut.isFinal && contentType === "application/json").toBe(false)
    }
  },
)
