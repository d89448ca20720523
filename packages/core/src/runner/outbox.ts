import {
  limits,
  type EntryBody,
  type Notification,
  type NotificationParams,
  type RunnerMethod,
} from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"
import type { Logger } from "../ports/runtime.ts"
import type { Contact } from "./contact.ts"
import { expectedN, messageOf, refusedN } from "./link-errors.ts"
import type { RunnerLink } from "./runner-link.ts"
import type { Spool, SpoolLine } from "./spool.ts"
import { createWake } from "./wake.ts"

/** Over this many unsent bytes the agent's output is no longer read. */
const roomBytes = 64 * 1024 * 1024
/** An entry must fit into one batch, with room for its envelope. */
const entryBytesMax = limits.appendBatchBytes - 64 * 1024

type WithoutSession<Params> = { [Key in keyof Params as Key extends "sessionId" ? never : Key]: Params[Key] }

/** What a runner says: numbered without holes, spooled, then sent in natural batches, one at a time. */
export interface Outbox {
  write<Method extends RunnerMethod>(method: Method, params: WithoutSession<NotificationParams<Method>>): void
  /** Resolves when all that was written so far is durable in the log; rejects when it never will be. */
  flushed(): Promise<void>
  /** Resolves when little enough is unsent. */
  room(): Promise<void>
  /** The log holds everything up to `lastN`. */
  acknowledge(lastN: number): void
  /** Resolves when all that was written so far is in the spool. */
  spooled(): Promise<void>
  /** Sends until the relation to the log has ended. */
  run(): Promise<void>
}

interface Item {
  readonly n: number
  readonly size: number
  body: EntryBody
}

export function createOutbox(options: {
  readonly sessionId: string
  /** The log's counter for this generation when the runner attached. */
  readonly lastN: number
  readonly link: RunnerLink
  readonly spool: Spool
  readonly contact: Contact
  readonly logger: Logger
}): Outbox {
  const { sessionId, link, spool, contact, logger } = options
  const changed = createWake()
  const encoder = new TextEncoder()
  let unsent: Item[] = []
  let unsentBytes = 0
  let unspooled: SpoolLine[] = []
  let isSpooling = false
  let trimmedN = options.lastN
  let writtenN = options.lastN
  let spooledN = options.lastN
  let acknowledgedN = options.lastN
  let isOneByOne = false

  const push = (body: EntryBody): void => {
    const text = JSON.stringify(body)
    const size = sizeOf(encoder, text)
    if (size > entryBytesMax) return push(truncated(sessionId, methodOf(body), size))
    writtenN += 1
    unsent.push({ n: writtenN, size, body })
    unsentBytes += size
    unspooled.push({ n: writtenN, text })
    void spoolNew()
  }

  const acknowledge = (lastN: number): void => {
    if (lastN <= acknowledgedN) return
    acknowledgedN = Math.min(lastN, writtenN)
    const rest = unsent.findIndex((item) => item.n > acknowledgedN)
    const gone = rest === -1 ? unsent : unsent.slice(0, rest)
    unsent = rest === -1 ? [] : unsent.slice(rest)
    for (const item of gone) unsentBytes -= item.size
    changed.notify()
    void spoolNew()
  }

  const until = async (isReached: () => boolean): Promise<void> => {
    while (!isReached()) {
      contact.ended.throwIfAborted()
      await changed.wait(contact.ended)
    }
  }

  /** One at a time; takes all that came meanwhile in one write. */
  const spoolNew = async (): Promise<void> => {
    if (isSpooling) return
    isSpooling = true
    while (unspooled.length > 0 || acknowledgedN > trimmedN) {
      const lines = unspooled
      unspooled = []
      const trimTo = acknowledgedN
      try {
        if (lines.length > 0) await spool.append(lines)
        if (trimTo > trimmedN) await spool.trim(trimTo)
      } catch (error) {
        // The log is still told; only what this process's sudden end would lose has grown.
        logger.error({ error: messageOf(error) }, "the spool cannot be written")
      }
      trimmedN = trimTo
      spooledN = Math.max(spooledN, lines.at(-1)?.n ?? 0)
      changed.notify()
    }
    isSpooling = false
  }

  const takeBatch = (): readonly Item[] => {
    const batch: Item[] = []
    let bytes = 0
    for (const item of unsent) {
      const isFull = batch.length >= (isOneByOne ? 1 : limits.appendBatchEntries)
      if (item.n > spooledN || isFull || (batch.length > 0 && bytes + item.size > entryBytesMax)) break
      batch.push(item)
      bytes += item.size + 1
    }
    return batch
  }

  /** What the log refuses once it refuses always: a word that something is missing takes its place. */
  const replaceRefused = (batch: readonly Item[], error: unknown): void => {
    const n = refusedN(error) ?? (batch.length === 1 ? batch[0]?.n : undefined)
    const item = batch.find((candidate) => candidate.n === n)
    if (item === undefined) {
      isOneByOne = true
      return
    }
    logger.error({ n, error: messageOf(error) }, "the log refused an entry")
    if (methodOf(item.body) === "_berth/output_truncated") return contact.end("fenced", error)
    item.body = truncated(sessionId, methodOf(item.body), item.size)
    unspooled.push({ n: item.n, text: JSON.stringify(item.body) })
    void spoolNew()
  }

  const send = async (batch: readonly Item[], firstN: number): Promise<void> => {
    const bodies = batch.map((item) => item.body)
    try {
      const { lastN } = await contact.insist("append", () => link.append(firstN, bodies))
      isOneByOne = isOneByOne && batch.length < unsent.length
      acknowledge(lastN)
    } catch (error) {
      if (contact.ended.aborted) return
      const expected = expectedN(error)
      if (expected === null) return replaceRefused(batch, error)
      if (expected > firstN) return acknowledge(expected - 1)
      contact.end("fenced", new AppError("out_of_sequence", "The log lost entries it had acknowledged."))
    }
  }

  return {
    write(method, params) {
      const notification = { jsonrpc: "2.0", method, params: { ...params, sessionId } }
      push({ type: "notification", notification: notification as unknown as Notification })
    },
    flushed() {
      const target = writtenN
      return until(() => acknowledgedN >= target)
    },
    async room() {
      while (unsentBytes > roomBytes && !contact.ended.aborted) await changed.wait(contact.ended)
    },
    acknowledge,
    async spooled() {
      const target = writtenN
      const never = new AbortController().signal
      while (spooledN < target) await changed.wait(never)
    },
    async run() {
      while (!contact.ended.aborted) {
        const batch = takeBatch()
        const [first] = batch
        if (first === undefined) await changed.wait(contact.ended)
        else await send(batch, first.n)
      }
    },
  }
}

function truncated(sessionId: string, source: string, droppedBytes: number): EntryBody {
  const params = { sessionId, source, droppedBytes }
  return { type: "notification", notification: { jsonrpc: "2.0", method: "_berth/output_truncated", params } }
}

function methodOf(body: EntryBody): string {
  if (body.type === "notification") return body.notification.method
  return body.type === "spilled" ? body.method : body.message.method
}

function sizeOf(encoder: TextEncoder, text: string): number {
  // Exact only where it matters; a UTF-16 unit takes at most three bytes.
  return text.length * 3 <= limits.entryBytes ? text.length : encoder.encode(text).byteLength
}
