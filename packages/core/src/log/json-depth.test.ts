import fc from "fast-check"
import { expect, it } from "vitest"
import { isDeeperThan } from "./json-depth.ts"

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

it("knows the depth of any JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 12 }), fc.nat(12), fc.constantFrom(0, 2), (value, max, indent) => {
      const text = JSON.stringify(value, null, indent)
      expect(isDeeperThan(text, max)).toBe(depthOf(value) > max)
    }),
  )
})

it("is not led astray by what stands in strings", () => {
  const text = JSON.stringify(["[[[[", '\\"[[[[', "\\", "[[[["])
  expect(isDeeperThan(text, 1)).toBe(false)
  expect(isDeeperThan(text, 0)).toBe(true)
})

it("takes a megabyte of brackets, or of an unfinished string", () => {
  expect(isDeeperThan("[".repeat(1_000_000), 200)).toBe(true)
  expect(isDeeperThan(`"${"\\".repeat(1_000_000)}`, 200)).toBe(false)
})
