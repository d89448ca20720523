import { decodeEntry, type StoredEntry } from "@berth/core"
import { limits, type Entry } from "@berth/protocol"

const chunkMark = /"sessionUpdate":"agent_(?:message|thought)_chunk"/

/** A text chunk that may be merged with its neighbours: nothing in it but its text. */
interface Chunk {
  readonly entry: Entry
  /** All that two chunks must share to become one. */
  readonly likeness: string
  readonly text: string
}

interface Run {
  readonly from: number
  readonly stored: StoredEntry
  readonly last: Chunk
  readonly texts: readonly string[]
  readonly length: number
}

/**
 * Pure. Merges adjacent text chunks of one message: the same text, the last one's place, `from` the
 * first one's seq. Everything else passes through as stored. Runs do not cross pages, and a merged
 * text stays within the size of one entry.
 */
export function compactPage(entries: readonly StoredEntry[]): readonly StoredEntry[] {
  const output: StoredEntry[] = []
  let run: Run | null = null
  for (const stored of entries) {
    const chunk = readChunk(stored)
    if (run !== null && chunk !== null && fits(run, chunk)) {
      run = extend(run, chunk)
      continue
    }
    if (run !== null) output.push(writeRun(run))
    run = chunk === null ? null : startRun(stored, chunk)
    if (chunk === null) output.push(stored)
  }
  if (run !== null) output.push(writeRun(run))
  return output
}

function readChunk(stored: StoredEntry): Chunk | null {
  if (!chunkMark.test(stored.text)) return null
  const entry = decodeEntry(stored.text)
  if (entry.type !== "notification" || entry.notification.method !== "session/update") return null
  const { update, ...params } = entry.notification.params
  if (update.sessionUpdate !== "agent_message_chunk" && update.sessionUpdate !== "agent_thought_chunk")
    return null
  const { content, ...rest } = update
  const { type, text, ...more } = content
  if (type !== "text" || typeof text !== "string") return null
  const { epoch, origin } = entry
  return { entry, text, likeness: JSON.stringify([epoch, origin, params, rest, more]) }
}

function fits(run: Run, chunk: Chunk): boolean {
  const isNext = chunk.entry.seq === run.last.entry.seq + 1
  return (
    isNext && chunk.likeness === run.last.likeness && run.length + chunk.text.length < limits.entryBytes / 4
  )
}

function startRun(stored: StoredEntry, chunk: Chunk): Run {
  return { from: stored.seq, stored, last: chunk, texts: [chunk.text], length: chunk.text.length }
}

function extend(run: Run, chunk: Chunk): Run {
  // One array a run: its owner, `compactPage`, keeps no other reference to it.
  const texts = run.texts as string[]
  texts.push(chunk.text)
  return { ...run, last: chunk, texts, length: run.length + chunk.text.length }
}

function writeRun(run: Run): StoredEntry {
  const { entry } = run.last
  if (run.from === entry.seq || entry.type !== "notification") return run.stored
  const { notification } = entry
  if (notification.method !== "session/update") return run.stored
  const { params } = notification
  const content = {
    ...("content" in params.update ? (params.update.content as object) : {}),
    text: run.texts.join(""),
  }
  const { seq, epoch, timestamp, origin } = entry
  const merged = {
    seq,
    epoch,
    timestamp,
    origin,
    from: run.from,
    type: entry.type,
    notification: { ...notification, params: { ...params, update: { ...params.update, content } } },
  }
  return { seq, text: JSON.stringify(merged) }
}
