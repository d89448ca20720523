import { isBlobHash, type BlobHash, type LogId, type ProjectId } from "@berth/protocol"
import type { BlobStore } from "../ports/blob-store.ts"
import type { EventLog } from "../ports/event-log.ts"
import type { Clock, Logger } from "../ports/runtime.ts"
import type { SessionStore } from "../ports/session-store.ts"
import { decodeManifest } from "../workspace/manifest-json.ts"

/** Longer than a blob's lease, so that what a deletion left can go in the first sweep after it. */
const sweepIntervalMs = 4_000_000
const pageSize = 500
const hashInText = /"([0-9a-f]{64})"/g
const manifestInText = /"method":"_berth\/snapshot".*?"manifest":"([0-9a-f]{64})"/

export interface BlobSweeper {
  /** A session of the project was deleted: something may have nobody left. */
  mark(project: ProjectId): void
  /** Sweeps marked projects about once an hour, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

/**
 * Removes blobs that no log of their project names any more. What counts as named is generous: any hash
 * that stands in any entry of a session that is left, and all files of all its snapshots.
 */
export function createBlobSweeper(options: {
  readonly eventLog: EventLog
  readonly sessionStore: SessionStore
  readonly blobStore: BlobStore
  readonly clock: Clock
  readonly logger: Logger
}): BlobSweeper {
  const { eventLog, sessionStore, blobStore, clock, logger } = options
  const marked = new Set<ProjectId>()

  const addManifest = async (project: ProjectId, hash: BlobHash, live: Set<string>): Promise<void> => {
    const found = await blobStore.get(project, hash)
    if (found === null) return
    const bytes = new Uint8Array(await new Response(found.content).arrayBuffer())
    for (const entry of decodeManifest(bytes).entries) if (entry.kind === "file") live.add(entry.hash)
  }

  const addLog = async (project: ProjectId, log: LogId, live: Set<string>): Promise<void> => {
    let cursor = 0
    for (;;) {
      const { entries, trimmedTo } = await eventLog.read(log, cursor, pageSize)
      for (const { text } of entries) {
        for (const [, hash] of text.matchAll(hashInText)) if (hash !== undefined) live.add(hash)
        const manifest = manifestInText.exec(text)?.[1]
        if (manifest !== undefined && isBlobHash(manifest)) await addManifest(project, manifest, live)
      }
      const last = entries.at(-1)
      if (last === undefined && cursor >= trimmedTo) return
      cursor = last?.seq ?? trimmedTo
    }
  }

  const findLive = async (project: ProjectId): Promise<Set<string>> => {
    const live = new Set<string>()
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<SessionStore["list"]>> = await sessionStore.list(project, {
        limit: pageSize,
        ...(cursor === null ? {} : { cursor }),
      })
      for (const { log } of page.items) await addLog(project, log, live)
      cursor = page.nextCursor
    } while (cursor !== null)
    return live
  }

  return {
    mark: (project) => void marked.add(project),
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(sweepIntervalMs, { signal })
        for (const project of signal.aborted ? [] : [...marked]) {
          marked.delete(project)
          try {
            const live = await findLive(project)
            const removed = await blobStore.sweep(project, (hash) => live.has(hash))
            logger.info({ project, removed }, "blobs without a session were removed")
          } catch (error) {
            marked.add(project)
            logger.error({ project, error }, "blobs could not be swept; trying again in an hour")
          }
        }
      }
    },
  }
}
