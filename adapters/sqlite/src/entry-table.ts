import { pageCharacters, type StoredEntry } from "@berth/core"
import { numberOf, textOf, type Sql } from "./sql.ts"

/** Rows removed in one transaction, so that erasing a long log holds nobody up. */
const deleteBatch = 5000
/** Rows read at once: of the largest entries, this many are a few times what a page may hold. */
const readBatch = 64

/** The entries of all logs, by `(log.id, seq)`; `seq` up to 2³². */
export interface EntryTable {
  insert(id: number, entries: readonly StoredEntry[]): void
  /** Ascending, from after + 1 to last; ends early once it holds what a page may, and a little more. */
  read(id: number, after: number, last: number): readonly StoredEntry[]
  /** Removes some entries up to and including `last`; false when none was left. */
  deleteSome(id: number, last: number): boolean
}

export function createEntryTable(sql: Sql): EntryTable {
  // Bit operations, because a number may be bound as a float, which holds 53 bits only.
  const insert = sql.prepare("INSERT INTO entry (place, text) VALUES ((?1 << 32) | ?2, ?3)")
  const select = sql.prepare(
    "SELECT text FROM entry WHERE place > ((?1 << 32) | ?2) AND place <= ((?1 << 32) | ?3) ORDER BY place",
  )
  const first = sql.prepare(
    "SELECT place & 4294967295 FROM entry WHERE place > (?1 << 32) AND place <= ((?1 << 32) | ?2) ORDER BY place LIMIT 1",
  )
  const remove = sql.prepare(
    "DELETE FROM entry WHERE place >= ((?1 << 32) | ?2) AND place <= ((?1 << 32) | ?3)",
  )
  return {
    insert(id, entries) {
      for (const { seq, text } of entries) insert.run(id, seq, text)
    },
    read(id, after, last) {
      const page: StoredEntry[] = []
      let characters = 0
      for (let from = after; from < last && characters < pageCharacters; from += readBatch) {
        select.all(id, from, Math.min(last, from + readBatch)).forEach((row, index) => {
          const text = textOf(row[0])
          characters += text.length
          page.push({ seq: from + 1 + index, text })
        })
      }
      return page
    },
    deleteSome(id, last) {
      const [row] = first.all(id, last)
      if (row === undefined) return false
      const from = numberOf(row[0])
      remove.run(id, from, Math.min(last, from + deleteBatch - 1))
      return true
    },
  }
}
