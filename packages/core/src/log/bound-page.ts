import type { StoredEntry } from "../ports/event-log.ts"

/**
 * UTF-16 units of text after which a page ends, with the entry that went over it. A reader holds one
 * page, and what a sandbox writes decides how large a thousand entries are.
 */
export const pageCharacters = 2 << 20

/** Pure. The beginning of a page that is within its bound, and one entry at least. */
export function boundPage(entries: readonly StoredEntry[]): readonly StoredEntry[] {
  let characters = 0
  const last = entries.findIndex(({ text }) => {
    characters += text.length
    return characters >= pageCharacters
  })
  return last === -1 ? entries : entries.slice(0, last + 1)
}
