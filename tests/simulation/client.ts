import { AppError, decodeEntry, isAppError, type Clock, type EventLog, type NewEntry } from "@berth/core"
import type { Command, LogId, SessionId } from "@berth/protocol"
import type { Network } from "./network.ts"
import type { Random } from "./random.ts"

export interface ClientRecord {
  /** Key → the seq that was acknowledged. */
  readonly acknowledged: Map<string, number>
  /** Prompt text → its command's seq. */
  readonly prompts: Map<string, number>
}

/** A program that prompts, cancels and answers, and repeats with the same key until it has an answer. */
export async function runClient(options: {
  readonly name: string
  readonly log: LogId
  readonly sessionId: SessionId
  readonly eventLog: EventLog
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly record: ClientRecord
  readonly wake: (log: LogId) => void
  readonly isOver: () => boolean
}): Promise<void> {
  const { name, log, sessionId, eventLog, network, clock, random, record, wake, isOver } = options
  let count = 0

  const insist = async <Value>(request: () => Promise<Value>): Promise<Value> => {
    for (;;) {
      try {
        return await network.call(request)
      } catch (error) {
        if (!isAppError(error, "unavailable")) throw error
        await clock.sleep(20 + random.below(200))
      }
    }
  }

  const submit = async (message: Command, more: readonly NewEntry[] = [], once?: string): Promise<number> => {
    count += 1
    const key = `${name}-${count}`
    const entry: NewEntry = { origin: "client", body: { type: "client_message", message, key } }
    const request = { key, entries: [entry, ...more], ...(once === undefined ? {} : { once }) }
    const { seq } = await insist(async () => {
      const result = await eventLog.submit(log, request)
      wake(log)
      return result
    })
    const before = record.acknowledged.get(key)
    if (before !== undefined && before !== seq)
      throw new Error(`${key} was acknowledged as ${before} and ${seq}`)
    record.acknowledged.set(key, seq)
    return seq
  }

  const answerOne = async (): Promise<void> => {
    const { head } = await insist(() => eventLog.state(log))
    if (head.questions.length === 0) return
    const { questionId } = random.pick(head.questions)
    const answer = { optionId: random.pick(["yes", "no"]) }
    const resolved: NewEntry = {
      origin: "server",
      body: {
        type: "notification",
        notification: {
          jsonrpc: "2.0",
          method: "_berth/question_resolved",
          params: { sessionId, questionId, answer, by: name },
        },
      },
    }
    const message = { jsonrpc: "2.0", method: "_berth/answer", params: { questionId, ...answer } } as const
    try {
      await submit(message, [resolved], `answer/${questionId}`)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "already_answered") throw error
    }
  }

  while (!isOver()) {
    await clock.sleep(random.below(1500))
    const roll = random.next()
    if (roll < 0.6) {
      const text = `${name}:${count + 1}`
      const prompt = [{ type: "text", text }]
      record.prompts.set(text, await submit({ jsonrpc: "2.0", method: "session/prompt", params: { prompt } }))
    } else if (roll < 0.7) await submit({ jsonrpc: "2.0", method: "session/cancel", params: {} })
    else await answerOne()
    if (random.chance(0.1)) await clock.sleep(8_000)
  }
}

/** Follows a log through cut connections from the last seq it has, and keeps every line. */
export async function runReader(options: {
  readonly log: LogId
  readonly eventLog: EventLog
  readonly network: Network
  readonly clock: Clock
  readonly lines: string[]
}): Promise<void> {
  const { log, eventLog, network, clock, lines } = options
  let cursor = 0
  for (;;) {
    const { signal } = new AbortController()
    try {
      for await (const page of network.stream(() => eventLog.tail(log, cursor, { signal }))) {
        for (const { seq, text } of page.entries) {
          if (seq !== cursor + 1 || decodeEntry(text).seq !== seq)
            throw new Error(`after ${cursor} came ${seq}`)
          cursor = seq
          lines.push(text)
        }
      }
      return
    } catch (error) {
      if (!isAppError(error, "unavailable")) throw error
    }
    await clock.sleep(30)
  }
}
