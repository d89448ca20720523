import fc from "fast-check"
import { expect, test } from "vitest"
import { createJsonScanner, normalizeKey, type JsonFindings } from "./json-scanner.ts"

const paths = [["model"], ["max_tokens"], ["usage"], ["config", "limit"], ["[]", "usage"]]

function scan(text: string | Uint8Array, size = Infinity): JsonFindings | null {
  const scanner = createJsonScanner({ paths })
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text
  for (let at = 0; at < bytes.length; at += size) scanner.write(bytes.subarray(at, at + size))
  return scanner.end()
}

function valueOf(text: string, path: string): unknown {
  return scan(text)?.get(path)?.value
}

test("finds values at the given paths and nowhere else", () => {
  const text = `{"a":{"model":"no"},"model":"m","config":{"x":[1],"limit":7},"usage":{"in":1,"deep":[{"usage":2}]}}`
  const found = scan(text)
  expect(found?.get("model")).toEqual({ value: "m", count: 1 })
  expect(found?.get("config.limit")?.value).toBe(7)
  expect(found?.get("usage")?.value).toEqual({ in: 1, deep: [{ usage: 2 }] })
  expect(valueOf(`[{"usage":1},{"usage":2}]`, "[].usage")).toBe(2)
})

test("sees through escaped keys, other spellings and repeats", () => {
  expect(valueOf(String.raw`{"max\u005ftokens":5}`, "max_tokens")).toBe(5)
  expect(valueOf(`{"maxTokens":5}`, "max_tokens")).toBe(5)
  expect(valueOf(`{"MAX_TOKENS":5}`, "max_tokens")).toBe(5)
  expect(scan(`{"max_tokens":1,"max_tokens":9}`)?.get("max_tokens")).toEqual({ value: 9, count: 2 })
})

test("does not match under the key before", () => {
  expect(scan(`{"config":{"limit":1},"${"x".repeat(400)}":{"limit":2}}`)?.get("config.limit")?.count).toBe(1)
})

test.each([
  ``,
  `{`,
  `{"a":1}}`,
  `{"a":1]`,
  `{"a" 1}`,
  `{"a":1,}`,
  `[1,]`,
  `{"a":1} {}`,
  `{/* "model":1 */}`,
  `{'a':1}`,
  `"a\nb"`,
  `{"model":tru}`,
  `﻿{}`,
  String.raw`"\x"`,
  "[".repeat(513) + "]".repeat(513),
])("refuses %j", (text) => {
  expect(scan(text)).toBeNull()
})

test("leaves out what is too large to keep", () => {
  const scanner = createJsonScanner({ paths: [["usage"]], captureBytes: 8 })
  scanner.write(new TextEncoder().encode(`{"usage":"${"x".repeat(100)}"}`))
  expect(scanner.end()?.get("usage")).toEqual({ value: undefined, count: 1 })
})

test("agrees with JSON.parse on any value, however it is cut", () => {
  const key = fc.oneof(fc.constantFrom("model", "max_tokens", "usage", "config", "limit"), fc.string())
  const json = fc.oneof(
    fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue()))),
    fc.jsonValue(),
  )
  fc.assert(
    fc.property(
      json,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 2 }),
      (value, size, indent) => {
        const found = scan(JSON.stringify(value, null, indent), size)
        expect(found).not.toBeNull()
        const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
        const entries: [string, unknown][] = isObject ? Object.entries(value) : []
        const matching = entries.filter(([name]) => normalizeKey(name) === "model")
        const last = JSON.stringify(matching.at(-1)?.[1])
        expect(found?.get("model")?.count ?? 0).toBe(matching.length)
        expect(JSON.stringify(found?.get("model")?.value)).toEqual(last)
      },
    ),
  )
})

test("never throws, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      scan(bytes, 3)
    }),
  )
})
