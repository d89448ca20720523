import type { StoredEntry } from "@berth/core"
import type { LogId } from "@berth/protocol"

const ringEntries = 1000
const ringCharacters = 1 << 20
const allCharacters = 16 << 20

interface Ring {
  /** Dense, ending at the log's newest. */
  entries: StoredEntry[]
  characters: number
}

/**
 * The newest entries of logs that somebody follows, so that one commit that wakes a thousand readers
 * is not read a thousand times. Bounded over all logs: the longest unused ring goes first.
 */
export interface RecentEntries {
  push(log: LogId, entries: readonly StoredEntry[]): void
  /** Entries after `after`, or null when the ring does not reach back that far. */
  read(log: LogId, after: number, limit: number): readonly StoredEntry[] | null
  drop(log: LogId): void
}

export function createRecentEntries(): RecentEntries {
  const rings = new Map<LogId, Ring>()
  let characters = 0

  const drop = (log: LogId): void => {
    characters -= rings.get(log)?.characters ?? 0
    rings.delete(log)
  }

  const trim = (ring: Ring): void => {
    let count = 0
    let removed = 0
    for (const { text } of ring.entries) {
      const isInBounds =
        ring.entries.length - count <= ringEntries && ring.characters - removed <= ringCharacters
      if (isInBounds) break
      count += 1
      removed += text.length
    }
    ring.entries.splice(0, count)
    ring.characters -= removed
    characters -= removed
  }

  return {
    push(log, entries) {
      const ring = rings.get(log) ?? { entries: [], characters: 0 }
      rings.delete(log)
      rings.set(log, ring)
      for (const entry of entries) {
        ring.entries.push(entry)
        ring.characters += entry.text.length
        characters += entry.text.length
      }
      // At double the bound, so that a removal from the front is rare and never one entry long.
      if (ring.entries.length > 2 * ringEntries || ring.characters > 2 * ringCharacters) trim(ring)
      for (const oldest of rings.keys()) {
        if (characters <= allCharacters) break
        drop(oldest)
      }
    },
    read(log, after, limit) {
      const ring = rings.get(log)
      const first = ring?.entries[0]
      if (ring === undefined || first === undefined || after < first.seq - 1) return null
      const start = after - first.seq + 1
      return ring.entries.slice(start, start + limit)
    },
    drop,
  }
}
