import { limits, type Entry } from "@berth/protocol"
import { AppError, isAppError } from "../errors/app-error.ts"
import { decodeEntry } from "../log/encode-entry.ts"
import { concernsRunner } from "../log/entry-origin.ts"
import type { BlobStore } from "../ports/blob-store.ts"
import type { EventLog, NewEntry } from "../ports/event-log.ts"
import type { KeyStore } from "../ports/key-store.ts"
import type { LeaseStore } from "../ports/lease-store.ts"
import type { Orchestrator } from "../ports/orchestrator.ts"
import type { SessionRecord, SessionStore } from "../ports/session-store.ts"
import { serverEntry } from "../session/server-entry.ts"
import { sessionSecretScope } from "../session/session-service.ts"
import { readAttachment } from "./runner-access-attachment.ts"
import { readRunnerEntries } from "./runner-access-entries.ts"
import type { RunnerLink } from "./runner-link.ts"
import type { RunnerIdentity } from "./runner-tokens.ts"

export interface RunnerAccessOptions {
  readonly eventLog: EventLog
  readonly leaseStore: LeaseStore
  readonly sessionStore: SessionStore
  readonly keyStore: KeyStore
  readonly blobStore: BlobStore
  readonly orchestrator: Orchestrator
}

/** A `RunnerLink` that also takes what came over a wire: lines nobody has looked at yet. */
export interface RunnerDoor extends RunnerLink {
  /** As `append`; each line is one body's JSON. `forbidden`, `bad_params`, `too_large` write nothing. */
  appendLines(firstN: number, lines: readonly string[]): Promise<{ readonly lastN: number }>
}

/** The stores as one runner has them. The identity is taken from a verified token, never from a request. */
export interface RunnerAccess {
  open(identity: RunnerIdentity): RunnerDoor
}

/** Entries after which `reconcile` may have something to do. */
const wakers: ReadonlySet<string> = new Set([
  "_berth/turn_ended",
  "_berth/question",
  "_berth/agent_state",
  "_berth/snapshot",
])

export function createRunnerAccess(options: RunnerAccessOptions): RunnerAccess {
  return { open: (identity) => openDoor(options, identity) }
}

function openDoor(options: RunnerAccessOptions, identity: RunnerIdentity): RunnerDoor {
  const { eventLog, leaseStore, sessionStore, keyStore, blobStore, orchestrator } = options
  const { log, generation, epoch } = identity
  let known: SessionRecord | null = null

  /** Alias and project of a log never change, so they are looked up once. */
  const session = async (): Promise<SessionRecord> => {
    known ??= await findRecord()
    return known
  }

  const findRecord = async (): Promise<SessionRecord> => {
    const found = await sessionStore.findByLog(log)
    if (found === null) throw new AppError("log_closed", "The session is gone. Stop.")
    return found.record
  }

  const appendOnce = async (once: string, entry: NewEntry): Promise<void> => {
    try {
      await eventLog.append(log, epoch, [entry], { once })
    } catch (error) {
      if (!isAppError(error, "already_answered")) throw error
    }
  }

  const isReleased = async (): Promise<boolean> => {
    const [{ head }, lease] = await Promise.all([eventLog.state(log), leaseStore.inspect(log)])
    const { sandbox } = head
    return lease.epoch === epoch && sandbox?.generation === generation && sandbox.state === "released"
  }

  const appendLines: RunnerDoor["appendLines"] = async (firstN, lines) => {
    const record = known ?? (await session())
    const entries = await readRunnerEntries(lines, firstN, { identity, session: record, blobStore, eventLog })
    await eventLog.append(log, epoch, entries, { source: { generation, firstN } })
    if (entries.some(isWaker)) orchestrator.wake(log)
    return { lastN: firstN + lines.length - 1 }
  }

  return {
    appendLines,
    async attach({ isolation }) {
      // The spec may have changed since; a runner starts from the newest.
      const record = await findRecord()
      known = record
      await leaseStore.renew(log, epoch, limits.leaseTtlMs)
      const params = { sessionId: record.id, state: "attached" as const, generation, isolation }
      await appendOnce(`attached/${generation}/${epoch}`, serverEntry({ method: "_berth/sandbox", params }))
      orchestrator.wake(log)
      const [state, env] = await Promise.all([
        eventLog.state(log),
        keyStore.getSecrets(sessionSecretScope(log)),
      ])
      return readAttachment({ record, state, env, generation })
    },
    async *commands(after, { signal }) {
      for await (const page of eventLog.tail(log, after, { signal })) {
        const entries: Entry[] = []
        for (const { text } of page.entries) if (concernsRunner(text)) entries.push(decodeEntry(text))
        if (entries.length > 0) yield entries
      }
    },
    async append(firstN, bodies) {
      return appendLines(
        firstN,
        bodies.map((body) => JSON.stringify(body)),
      )
    },
    async renew() {
      await leaseStore.renew(log, epoch, limits.leaseTtlMs)
    },
    async restored(snapshotSeq) {
      const { id: sessionId } = await session()
      const params = { sessionId, state: "restored" as const, generation, snapshotSeq }
      await appendOnce(`restored/${generation}/${epoch}`, serverEntry({ method: "_berth/sandbox", params }))
    },
    async release(reason) {
      const record = await session()
      const params = { sessionId: record.id, state: "released" as const, generation, reason }
      try {
        await appendOnce(`released/${generation}/${epoch}`, serverEntry({ method: "_berth/sandbox", params }))
        await leaseStore.release(log, epoch)
      } catch (error) {
        // A repeated call, its first answer lost.
        if (!isAppError(error, "stale_epoch") || !(await isReleased())) throw error
      }
      orchestrator.wake(log)
    },
    blobs: {
      async missing(hashes) {
        return blobStore.missing((await session()).project, hashes)
      },
      async put(hash, content) {
        const { project } = await session()
        await blobStore.put(project, content, { expected: hash, maxBytes: limits.fileBytes })
      },
      async get(hash) {
        const found = await blobStore.get((await session()).project, hash)
        return found === null ? null : found.content
      },
    },
  }
}

function isWaker({ body }: NewEntry): boolean {
  return body.type === "notification" && wakers.has(body.notification.method)
}
