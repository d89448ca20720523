import { describe, expect, it } from "vitest"
import { formContent, formOptions } from "./form-question.ts"

const choice = {
  type: "object",
  properties: { colour: { type: "string", enum: ["red", "green"] } },
  required: ["colour"],
}
const titled = {
  type: "object",
  properties: {
    pick: {
      type: "array",
      items: {
        anyOf: [
          { const: "a", title: "First" },
          { const: "b", title: "Second" },
        ],
      },
    },
  },
}
const two = { type: "object", properties: { name: { type: "string" }, age: { type: "number" } } }

describe("forms", () => {
  it("of one question are put with their choices", () => {
    expect(formOptions(choice)).toEqual([
      { optionId: "red", name: "red" },
      { optionId: "green", name: "green" },
    ])
    expect(formOptions(titled)).toEqual([
      { optionId: "a", name: "First" },
      { optionId: "b", name: "Second" },
    ])
    expect(formOptions(two)).toEqual([])
    expect(formOptions({})).toEqual([])
  })

  it("are filled by an option, by words, or field by field", () => {
    expect(formContent(choice, { optionId: "red" })).toEqual({ colour: "red" })
    expect(formContent(choice, { feedback: "blue" })).toEqual({ colour: "blue" })
    expect(formContent(titled, { optionId: "b" })).toEqual({ pick: ["b"] })
    expect(formContent(two, { options: { name: "x", age: 3 } })).toEqual({ name: "x", age: 3 })
  })

  it("stay empty when the answer is no, or fits no field", () => {
    expect(formContent(choice, { action: "reject" })).toBeNull()
    expect(formContent(two, { feedback: "x" })).toBeNull()
  })
})
