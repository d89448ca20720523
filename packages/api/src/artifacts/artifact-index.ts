import { decodeEntry, type EventLog } from "@berth/core"
import type { ArtifactRecord, LogId } from "@berth/protocol"
import { contentTypeOf } from "./content-type.ts"

/** What was published in a session, newest version of each path, in the order of first publication. */
export interface ArtifactIndex {
  list(log: LogId): Promise<readonly ArtifactRecord[]>
  find(log: LogId, path: string): Promise<ArtifactRecord | null>
}

interface IndexedLog {
  cursor: number
  readonly byPath: Map<string, ArtifactRecord>
}

const pageEntries = 1000
const maxLogs = 200
/** Per session; later ones push out the oldest. */
const maxArtifacts = 10_000
const artifactMark = '"method":"_berth/artifact"'

/** Reads each log once and then only what is new in it; keeps the logs asked for last. */
export function createArtifactIndex(options: { readonly eventLog: EventLog }): ArtifactIndex {
  const { eventLog } = options
  const logs = new Map<LogId, IndexedLog>()
  const running = new Map<LogId, Promise<IndexedLog>>()

  const open = (log: LogId): IndexedLog => {
    const indexed = logs.get(log) ?? { cursor: 0, byPath: new Map<string, ArtifactRecord>() }
    logs.delete(log)
    logs.set(log, indexed)
    const [oldest] = logs.keys()
    if (logs.size > maxLogs && oldest !== undefined) logs.delete(oldest)
    return indexed
  }

  const catchUp = async (log: LogId): Promise<IndexedLog> => {
    const indexed = open(log)
    for (;;) {
      const { entries } = await eventLog.read(log, indexed.cursor, pageEntries)
      const last = entries.at(-1)
      if (last === undefined) return indexed
      for (const { text } of entries) if (text.includes(artifactMark)) take(indexed.byPath, text)
      indexed.cursor = last.seq
    }
  }

  /** One reading at a time for each log, shared by those who ask meanwhile. */
  const read = (log: LogId): Promise<IndexedLog> => {
    const known = running.get(log)
    if (known !== undefined) return known
    const reading = catchUp(log).finally(() => running.delete(log))
    running.set(log, reading)
    return reading
  }

  return {
    list: async (log) => [...(await read(log)).byPath.values()],
    find: async (log, path) => (await read(log)).byPath.get(path) ?? null,
  }
}

function take(byPath: Map<string, ArtifactRecord>, text: string): void {
  const entry = decodeEntry(text)
  if (entry.type !== "notification" || entry.notification.method !== "_berth/artifact") return
  const { path, url, type, hash, size, title, contentType, stage, index } = entry.notification.params
  byPath.set(path, {
    path,
    url: url ?? "",
    type,
    hash,
    size,
    seq: entry.seq,
    created_at: entry.timestamp,
    ...(title === undefined ? {} : { title }),
    content_type: contentTypeOf(path, contentType),
    ...(stage === undefined ? {} : { stage }),
    ...(index === undefined ? {} : { index }),
  })
  const [oldest] = byPath.keys()
  if (byPath.size > maxArtifacts && oldest !== undefined) byPath.delete(oldest)
}
