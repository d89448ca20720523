/** How deep a JSON text of others may be nested. Beyond it, walking or writing it could exhaust the stack. */
export const maxJsonDepth = 200

const quote = 0x22
const backslash = 0x5c

/**
 * Pure. Whether a JSON text is nested deeper than `max`, in one pass and without recursion, so that it
 * can be asked before anything recursive sees the value. Says nothing about texts that are not JSON.
 */
export function isDeeperThan(text: string, max: number): boolean {
  // Every level takes an opening and a closing bracket.
  if (text.length <= 2 * max) return false
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === quote) {
      index = endOfString(text, index)
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > max) return true
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1
    }
  }
  return false
}

function endOfString(text: string, start: number): number {
  let index = start + 1
  for (;;) {
    index = text.indexOf('"', index)
    if (index === -1) return text.length
    let slashes = 0
    while (text.charCodeAt(index - 1 - slashes) === backslash) slashes += 1
    if (slashes % 2 === 0) return index
    index += 1
  }
}
