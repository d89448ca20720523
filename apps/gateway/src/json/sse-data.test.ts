import fc from "fast-check"
import { expect, test } from "vitest"
import { createSseDataReader } from "./sse-data.ts"

function read(text: string, size = Infinity): string[] {
  const events: string[] = []
  let data: number[] = []
  const reader = createSseDataReader({
    onData: (piece) => data.push(...piece),
    onEvent: () => {
      events.push(Buffer.from(data).toString("utf8"))
      data = []
    },
  })
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) reader(bytes.subarray(at, at + size))
  return events
}

test("joins data lines, ignores the rest, and waits for the empty line", () => {
  const text = `﻿event: a\ndata: one\r\ndata:two\n: note\nid: 3\n\ndata\n\nretry: 5\n\ndata:  spaced\r\rdata: cut`
  expect(read(text)).toEqual(["one\ntwo", "", " spaced"])
})

test("reads the same however it is cut", () => {
  const line = fc.oneof(
    fc.string().map((text) => `data: ${text.replaceAll(/[\r\n]/g, "")}`),
    fc.constantFrom("", "data:é", "event: x", ":", "dat: no", "databases: no"),
  )
  const stream = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 12 })
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 7 }), (lines, size) => {
      const text = lines.map(([content, ending]) => content + ending).join("")
      expect(read(text, size)).toEqual(read(text))
    }),
  )
})
