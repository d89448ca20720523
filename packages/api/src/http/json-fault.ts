/** Where a text stops being JSON. `position` counts UTF-16 units from 0; line and column count from 1. */
export interface JsonFault {
  readonly position: number
  readonly line: number
  readonly column: number
}

const space = /[ \t\n\r]*/y
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/**
 * Pure. Finds the fault in a text that `JSON.parse` refused, since engines tell its place only
 * sometimes. The text must not be nested deeper than the stack allows.
 */
export function findJsonFault(text: string): JsonFault {
  const position = scan(text)
  const before = text.slice(0, position)
  const line = before.split("\n").length
  return { position, line, column: position - before.lastIndexOf("\n") }
}

/** The position of the fault; the length of the text when it ends too early. */
function scan(text: string): number {
  let index = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = index
    const match = pattern.exec(text)
    if (match === null) return false
    index += match[0].length
    return true
  }
  const takeCharacter = (character: string): boolean => {
    take(space)
    if (text[index] !== character) return false
    index += 1
    return true
  }
  const takeList = (end: string, takeItem: () => boolean): boolean => {
    index += 1
    if (takeCharacter(end)) return true
    do {
      if (!takeItem()) return false
    } while (takeCharacter(","))
    return takeCharacter(end)
  }
  const takeValue = (): boolean => {
    take(space)
    if (text[index] === "{") return takeList("}", takeMember)
    if (text[index] === "[") return takeList("]", takeValue)
    return take(string) || take(scalar)
  }
  const takeMember = (): boolean => {
    take(space)
    return take(string) && takeCharacter(":") && takeValue()
  }
  if (takeValue()) take(space)
  return index
}
