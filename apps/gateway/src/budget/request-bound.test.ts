import { expect, test } from "vitest"
import { upstreamTable, type UpstreamName } from "../upstreams/upstream-table.ts"
import { defaultPrices } from "./default-prices.ts"
import { findPrice, highestPriceOf, priceOf, type ModelPrice } from "./price.ts"
import { boundTokens, createRequestReader, type RequestFacts } from "./request-bound.ts"

function read(upstream: UpstreamName, route: number, body: string): RequestFacts | null {
  const meter = upstreamTable[upstream].routes[route]?.meter
  if (!meter) throw new Error("this route has no meter")
  const reader = createRequestReader(meter.request)
  reader.write(new TextEncoder().encode(body))
  return reader.end()
}

test("reads model and limits from each kind of body", () => {
  expect(read("anthropic", 0, `{"model":"m","max_tokens":5,"messages":[{"max_tokens":9}]}`)).toEqual({
    model: "m",
    outputTokens: 5,
    multiplier: 1,
    hasReferences: false,
    bodyBytes: 58,
  })
  expect(read("openai", 0, `{"model":"m","previous_response_id":"r"}`)).toMatchObject({
    outputTokens: null,
    hasReferences: true,
  })
  expect(read("openai", 0, `{"model":"m","previous_response_id":null}`)?.hasReferences).toBe(false)
  expect(read("openai", 1, `{"model":"m","max_tokens":5,"max_completion_tokens":7,"n":3}`)).toMatchObject({
    outputTokens: 7,
    multiplier: 3,
  })
  expect(read("openai", 2, `{"model":"m","input":"x"}`)?.outputTokens).toBe(0)
  const google = `{"generation_config":{"max_output_tokens":"64","candidateCount":2}}`
  expect(read("google", 0, google)).toMatchObject({ model: null, outputTokens: 64, multiplier: 2 })
})

test("refuses a body that says twice how much it may cost", () => {
  expect(read("anthropic", 0, `{"model":"m","max_tokens":1,"max_tokens":9000}`)).toBeNull()
  expect(read("google", 0, `{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}`)).toBeNull()
  expect(read("anthropic", 0, `{"model":`)).toBeNull()
})

test("bounds the tokens by the body, the model's window and what the body refers to", () => {
  const facts: RequestFacts = {
    model: "m",
    outputTokens: 10,
    multiplier: 2,
    hasReferences: false,
    bodyBytes: 5_000,
  }
  const price: ModelPrice = { model: "*", input: 1, output: 1, contextTokens: 6_000, maxOutputTokens: 50 }
  expect(boundTokens(facts, null)).toEqual({ inputTokens: 7_000, outputTokens: 20 })
  expect(boundTokens(facts, price).inputTokens).toBe(6_000)
  expect(boundTokens({ ...facts, bodyBytes: 1, hasReferences: true }, price).inputTokens).toBe(6_000)
  expect(boundTokens({ ...facts, outputTokens: null }, price).outputTokens).toBe(100)
  expect(boundTokens({ ...facts, hasReferences: true }, null).inputTokens).toBe(1_000_000)
})

test("prices each kind of token, and never above the highest price", () => {
  const price = findPrice(defaultPrices, "claude-sonnet-4-5")
  if (price === null) throw new Error("there is a price")
  const usage = {
    inputTokens: 1_000_000,
    outputTokens: 1_000_000,
    cacheReadTokens: 1_000_000,
    cacheWriteTokens: 1_000_000,
    longCacheWriteTokens: 400_000,
  }
  expect(priceOf(price, usage)).toBeCloseTo(3 + 15 + 0.3 + 0.6 * 3.75 + 0.4 * 6)
  expect(highestPriceOf(price, 3_000_000, 1_000_000)).toBeGreaterThanOrEqual(priceOf(price, usage))
  expect(findPrice([{ model: "a.b*", input: 1, output: 1 }], "axb")).toBeNull()
})
