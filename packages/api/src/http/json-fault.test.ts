import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { findJsonFault } from "./json-fault.ts"

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe("findJsonFault", () => {
  it("reads valid JSON to its end", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("", " ", "\n\t"), (json, space) => {
        const text = `${space}${json}${space}`
        expect(findJsonFault(text).position).toBe(text.length)
      }),
    )
  })

  it("stops at or before a change that breaks it, and not before the token that was changed", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, at) => {
        const index = at % (json.length + 1)
        const text = `${json.slice(0, index)}\u0001${json.slice(index)}`
        fc.pre(!isJson(text))
        const { position } = findJsonFault(text)
        expect(position).toBeLessThanOrEqual(index)
        expect(/["\w.+-]*$/.test(text.slice(0, position))).toBe(true)
        expect(isJson(text.slice(position, index + 1))).toBe(false)
      }),
    )
  })

  it("counts lines and columns from 1", () => {
    expect(findJsonFault('{\n  "a": ,\n}')).toEqual({ position: 9, line: 2, column: 8 })
    expect(findJsonFault("")).toEqual({ position: 0, line: 1, column: 1 })
  })
})
