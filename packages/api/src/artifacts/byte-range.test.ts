import fc from "fast-check"
import { expect, it } from "vitest"
import { parseRange } from "./byte-range.ts"

it.each([
  ["bytes=0-0", 10, { start: 0, end: 1 }],
  ["bytes=2-", 10, { start: 2, end: 10 }],
  ["bytes=-3", 10, { start: 7, end: 10 }],
  ["bytes=-30", 10, { start: 0, end: 10 }],
  ["bytes=5-999999999999", 10, { start: 5, end: 10 }],
  ["bytes=10-", 10, "unsatisfiable"],
  ["bytes=-0", 10, "unsatisfiable"],
  ["bytes=0-", 0, "unsatisfiable"],
  ["bytes=5-4", 10, null],
  ["bytes=-", 10, null],
  ["bytes=0-1,3-4", 10, null],
  ["bytes=0x1-2", 10, null],
  ["items=0-1", 10, null],
  ["bytes=99999999999999999999-", 10, null],
  [null, 10, null],
])("reads %s of %d bytes", (header, size, expected) => {
  expect(parseRange(header, size)).toEqual(expected)
})

it("never leaves the file", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat(100), (junk, first, last, size) => {
      for (const header of [junk, `bytes=${first}-${last}`, `bytes=${junk}`, `bytes=-${last}`]) {
        const range = parseRange(header, size)
        if (range === null || range === "unsatisfiable") continue
        expect(range.start).toBeGreaterThanOrEqual(0)
        expect(range.end).toBeGreaterThan(range.start)
        expect(range.end).toBeLessThanOrEqual(size)
      }
    }),
  )
})
