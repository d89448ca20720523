import { decodeEntry, type StoredEntry } from "@berth/core"
import { limits } from "@berth/protocol"

const chunkMark = /"sessionUpdate":"agent_(?:message|thought)_chunk"/
/** Of a merged text, in UTF-16 units: an entry's size whatever the characters. */
const maxTextLength = limits.entryBytes / 4

/** A text chunk that may be merged with its neighbours. */
interface Chunk {
  readonly stored: StoredEntry
  readonly text: string
  /** All but place and text: two chunks of one likeness become one. */
  readonly likeness: string
  /** The chunk's line with another text, for a run that began at `from`. */
  readonly write: (from: number, text: string) => string
}

/**
 * Pure. Merges adjacent text chunks of one message: the same text, the last one's place, `from` the
 * first one's seq. Everything else passes through as stored. Runs do not cross pages, and a merged
 * text stays within the size of one entry.
 */
export function compactPage(entries: readonly StoredEntry[]): readonly StoredEntry[] {
  const output: StoredEntry[] = []
  let run: Chunk[] = []
  let length = 0
  for (const stored of entries) {
    const chunk = readChunk(stored)
    const [first] = run
    if (chunk !== null && first?.likeness === chunk.likeness && length + chunk.text.length <= maxTextLength) {
      run.push(chunk)
      length += chunk.text.length
      continue
    }
    output.push(...mergeRun(run))
    run = chunk === null ? [] : [chunk]
    length = chunk?.text.length ?? 0
    if (chunk === null) output.push(stored)
  }
  return [...output, ...mergeRun(run)]
}

function readChunk(stored: StoredEntry): Chunk | null {
  if (!chunkMark.test(stored.text)) return null
  const entry = decodeEntry(stored.text)
  if (entry.type !== "notification" || entry.notification.method !== "session/update") return null
  const { seq, epoch, timestamp, origin, type, notification } = entry
  const { update, ...params } = notification.params
  if (update.sessionUpdate !== "agent_message_chunk" && update.sessionUpdate !== "agent_thought_chunk") {
    return null
  }
  const { content, ...rest } = update
  const { text, ...more } = content
  if (content.type !== "text" || typeof text !== "string") return null
  const write = (from: number, whole: string): string => {
    const merged = { ...params, update: { ...update, content: { ...content, text: whole } } }
    const place = { seq, epoch, timestamp, origin, from }
    return JSON.stringify({ ...place, type, notification: { ...notification, params: merged } })
  }
  return { stored, text, likeness: JSON.stringify([epoch, origin, params, rest, more]), write }
}

function mergeRun(run: readonly Chunk[]): readonly StoredEntry[] {
  const [first] = run
  const last = run.at(-1)
  if (first === undefined || last === undefined) return []
  if (first === last) return [first.stored]
  const text = run.map((chunk) => chunk.text).join("")
  return [{ seq: last.stored.seq, text: last.write(first.stored.seq, text) }]
}
