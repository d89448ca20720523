/**
 * Matches paths with `/` against globs of three signs: `?` one character, `*` any in one name, `**` as a
 * whole name any number of names, none included. No braces, no classes; a leading dot is nothing special.
 * `folder/**` also matches the folder itself. Linear in pattern times path, whatever the pattern.
 */
export function compileGlobs(patterns: readonly string[]): (path: string) => boolean {
  const globs = patterns.map((pattern) => pattern.split("/").filter((name) => name !== ""))
  return (path) => {
    const names = path.split("/")
    return globs.some((glob) => matchSequence(glob, names, (part) => part === "**", matchName))
  }
}

function matchName(glob: string, name: string): boolean {
  return matchSequence(Array.from(glob), Array.from(name), (sign) => sign === "*", isSameSign)
}

function isSameSign(sign: string, character: string): boolean {
  return sign === "?" || sign === character
}

/** The usual wildcard match: on a mismatch, only the newest wildcard takes one item more. */
function matchSequence(
  pattern: readonly string[],
  items: readonly string[],
  isWild: (part: string) => boolean,
  isMatch: (part: string, item: string) => boolean,
): boolean {
  let at = 0
  let wildAt = -1
  let wildEnd = 0
  for (let index = 0; index < items.length;) {
    const part = pattern[at]
    const item = items[index] ?? ""
    if (part !== undefined && isWild(part)) {
      wildAt = at
      wildEnd = index
      at += 1
    } else if (part !== undefined && isMatch(part, item)) {
      at += 1
      index += 1
    } else if (wildAt !== -1) {
      wildEnd += 1
      at = wildAt + 1
      index = wildEnd
    } else {
      return false
    }
  }
  return pattern.slice(at).every(isWild)
}
