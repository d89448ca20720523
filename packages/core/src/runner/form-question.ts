import type { Answer, QuestionOption } from "@berth/protocol"

type Schema = Readonly<Record<string, unknown>>

/** The choices of a form with one question, as options of ours; none for any other form. */
export function formOptions(schema: Schema): readonly QuestionOption[] {
  const only = onlyProperty(schema)
  if (only === null) return []
  return choicesOf(only.property).map(({ value, title }) => ({ optionId: value, name: title }))
}

/**
 * An answer as the form's content. `options` of the answer holds the fields by name; one option or plain
 * words fill a form of one field. Null when the answer says no, or fits no field.
 */
export function formContent(schema: Schema, answer: Answer): Schema | null {
  if (answer.action === "reject") return null
  if (answer.options !== undefined && Object.keys(answer.options).length > 0) return answer.options
  const only = onlyProperty(schema)
  const value = answer.optionId ?? answer.feedback
  if (only === null || value === undefined) return null
  return { [only.name]: only.property["type"] === "array" ? [value] : value }
}

function onlyProperty(schema: Schema): { readonly name: string; readonly property: Schema } | null {
  const { properties } = schema
  if (!isRecord(properties)) return null
  const entries = Object.entries(properties)
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  const asked = entries.length === 1 ? entries : entries.filter(([name]) => required.includes(name))
  const [first] = asked
  if (first === undefined || asked.length !== 1 || !isRecord(first[1])) return null
  return { name: first[0], property: first[1] }
}

function choicesOf(property: Schema): readonly { readonly value: string; readonly title: string }[] {
  const source = isRecord(property["items"]) ? property["items"] : property
  const titled = source["oneOf"] ?? source["anyOf"]
  if (Array.isArray(titled)) {
    return titled.filter(isRecord).flatMap((choice) => {
      const { const: value, title } = choice
      if (typeof value !== "string") return []
      return [{ value, title: typeof title === "string" ? title : value }]
    })
  }
  const plain = Array.isArray(source["enum"]) ? source["enum"] : []
  return plain.filter((value) => typeof value === "string").map((value) => ({ value, title: value }))
}

function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
