import { limits, type Command, type EntryBody } from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"
import { isOversized, spillBody } from "../log/spill-body.ts"
import type { BlobStore } from "../ports/blob-store.ts"
import type { EventLog, SubmitResult } from "../ports/event-log.ts"
import type { Orchestrator } from "../ports/orchestrator.ts"
import type { Ids } from "../ports/runtime.ts"
import type { SessionRecord } from "../ports/session-store.ts"
import { clientKey } from "./client-key.ts"
import { createSubmitAnswer } from "./submit-answer.ts"

export interface SubmitCommandOptions {
  readonly eventLog: EventLog
  readonly blobStore: BlobStore
  readonly orchestrator: Orchestrator
  readonly ids: Ids
}

export interface Sender {
  /** Chosen by the client; the same key answers with the same seq. Null: each call is a new command. */
  readonly key: string | null
  /** Who answers a question, as the log will say: `key/<id>` or `local`. */
  readonly by: string
}

/**
 * Writes a client's command to its session's log; durable when it resolves. Errors: those of
 * `EventLog.submit`, `no_agent`, `rate_limited` when too many commands wait, `too_large`, and those
 * of answers: `question_not_found`, `already_answered`, `bad_params`.
 */
export type SubmitCommand = (record: SessionRecord, command: Command, sender: Sender) => Promise<SubmitResult>

/** Beyond the limit for prompts, so that a full queue can still be cancelled, answered and closed. */
const reservedCommands = 100

export function createSubmitCommand(options: SubmitCommandOptions): SubmitCommand {
  const { eventLog, blobStore, orchestrator, ids } = options
  const submitAnswer = createSubmitAnswer(options)

  const submitPlain = async (record: SessionRecord, command: Command, key: string): Promise<SubmitResult> => {
    const body: EntryBody = { type: "client_message", message: command, key }
    const isLarge = isOversized(JSON.stringify(body))
    if (isLarge && command.method !== "session/prompt") {
      throw new AppError("too_large", `Keep a command below ${limits.entryBytes} bytes.`)
    }
    const stored = isLarge ? await spillBody(blobStore, record.project, body) : body
    return eventLog.submit(record.log, {
      key: clientKey(key),
      entries: [{ origin: "client", body: stored }],
    })
  }

  const refuseOverflow = async (record: SessionRecord, command: Command): Promise<void> => {
    const { head } = await eventLog.state(record.log)
    const isPrompt = command.method === "session/prompt"
    const cap = limits.pendingCommands + (isPrompt ? 0 : reservedCommands)
    if (head.commands.length < cap) return
    throw new AppError(
      "rate_limited",
      "Too many commands wait in this session. Try again when some are done.",
      {
        details: { pending: head.commands.length, retry_after_seconds: 5 },
      },
    )
  }

  return async (record, command, sender) => {
    if (command.method === "session/prompt" && record.spec.agent === null) {
      throw new AppError("no_agent", "This session has no agent to prompt. Create one with an agent.")
    }
    const key = sender.key ?? `auto-${ids.next()}`
    await refuseOverflow(record, command)
    const result =
      command.method === "_berth/answer"
        ? await submitAnswer(record, command, { key, by: sender.by })
        : await submitPlain(record, command, key)
    orchestrator.wake(record.log)
    return result
  }
}
