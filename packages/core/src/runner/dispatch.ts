import type { Command, CommandParams, Notification } from "@berth/protocol"
import type { AgentHost } from "./agent-host.ts"
import { answerPrompt } from "./answer-prompt.ts"
import type { FileChangeResult } from "./file-changes.ts"
import type { InboxHandlers } from "./inbox.ts"
import { messageOf } from "./link-errors.ts"
import type { Outbox } from "./outbox.ts"
import type { PermissionSettings } from "./permissions.ts"
import type { QuestionDesk } from "./question-desk.ts"
import type { Turns, Work } from "./turns.ts"
import { createWake } from "./wake.ts"

/** What waits to be done, in order; and what was asked of the runner as a whole. */
export interface Agenda {
  readonly queue: Work[]
  release: { readonly seq: number; readonly reason: string } | null
  isClosing: boolean
  isDiskFull: boolean
  /** The workspace may have changed since the last snapshot. */
  hasChanges: boolean
  /** Something of the above has changed. */
  notify(): void
  /** Resolves at the next `notify`, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void>
}

export function createAgenda(): Agenda {
  const { notify, wait } = createWake()
  return { queue: [], release: null, isClosing: false, isDiskFull: false, hasChanges: false, notify, wait }
}

/**
 * What each command does. Nothing here waits for a turn: what takes time goes on beside the reading of
 * further commands, so that a cancel is never stuck behind what it cancels.
 */
export function createDispatch(options: {
  readonly agenda: Agenda
  readonly turns: Turns
  readonly host: AgentHost
  readonly desk: QuestionDesk
  readonly outbox: Outbox
  readonly settings: PermissionSettings
  readonly changeFile: (seq: number, change: CommandParams<"_berth/file_change">) => Promise<FileChangeResult>
}): InboxHandlers {
  const { agenda, turns, host, desk, outbox, settings, changeFile } = options
  /** Answers of which the resolution, the next entry, is still to come. */
  const answers = new Map<string, number>()

  const finish = (commandSeq: number): void =>
    outbox.write("_berth/command_state", { commandSeq, state: "done" })
  const decline = (commandSeq: number, reason: string): void =>
    outbox.write("_berth/command_state", { commandSeq, state: "declined", reason: reason.slice(0, 2048) })

  const enqueue = (work: Work): void => {
    if (agenda.isClosing) return decline(work.commandSeq, "The session is being closed.")
    agenda.queue.push(work)
    // Work that came after a release was asked for is what the release must not race.
    if (agenda.release !== null) decline(agenda.release.seq, "There is work again.")
    agenda.release = null
    agenda.notify()
  }

  const prompt = async (seq: number, params: CommandParams<"session/prompt">): Promise<void> => {
    const work = { commandSeq: seq, blocks: params.prompt }
    if (params.steer === true && (await turns.steer(work))) return
    enqueue(work)
  }

  const cancel = async (seq: number, openTurnId: string | null): Promise<void> => {
    if (openTurnId === null) return decline(seq, "No turn was open.")
    if (openTurnId !== turns.openTurnId) return decline(seq, "The turn had ended.")
    await turns.stop("cancelled", null)
    finish(seq)
  }

  let set: Promise<void> = Promise.resolve()
  /** Settings take effect in the order in which they were asked for. */
  const attempt = (seq: number, action: () => Promise<void>): void => {
    set = set
      .then(action)
      .then(() => finish(seq))
      .catch((error: unknown) => decline(seq, messageOf(error)))
  }

  let files: Promise<void> = Promise.resolve()
  const fileChange = (seq: number, params: CommandParams<"_berth/file_change">): void => {
    files = files.then(async () => {
      const result = await changeFile(seq, params).catch(() => null)
      if (result === null) return
      if (!result.isDone) return decline(seq, result.reason)
      finish(seq)
      agenda.hasChanges = true
      agenda.notify()
    })
  }

  const release = (seq: number, reason: string): void => {
    if (turns.openTurnId !== null || agenda.queue.length > 0) return decline(seq, "There is work again.")
    if (agenda.release !== null) decline(agenda.release.seq, "A later release took its place.")
    agenda.release = { seq, reason }
    agenda.notify()
  }

  const close = (): void => {
    agenda.isClosing = true
    void turns.stop("interrupted", "The session was closed.")
    for (const { commandSeq } of agenda.queue.splice(0)) decline(commandSeq, "The session is being closed.")
    agenda.notify()
  }

  /** The answer of a question that nobody waits for any more is the prompt of a new turn. */
  const resolve = (params: Extract<Notification, { method: "_berth/question_resolved" }>["params"]): void => {
    const { questionId, answer } = params
    const known = desk.find(questionId)
    const isTaken = desk.resolve(questionId, answer)
    const seq = answers.get(questionId)
    answers.delete(questionId)
    if (seq === undefined || answer === null) return
    if (isTaken) return finish(seq)
    const asked = {
      kind: params.kind ?? known?.kind ?? null,
      message: known?.message ?? params.message ?? `(question ${questionId})`,
    }
    const option = known?.options.find((candidate) => candidate.optionId === answer.optionId)
    const text = answerPrompt(asked, answer, params.choice ?? option?.name ?? null)
    enqueue({ commandSeq: seq, blocks: [{ type: "text", text }] })
  }

  return {
    async command(seq, command: Command, openTurnId) {
      switch (command.method) {
        case "session/prompt":
          return prompt(seq, command.params)
        case "session/cancel":
          void cancel(seq, openTurnId)
          return
        case "session/set_mode":
          return attempt(seq, () => host.setMode(command.params.modeId))
        case "session/set_config_option": {
          const { configId, value } = command.params
          return attempt(seq, () => host.setConfigOption(configId, value))
        }
        case "_berth/answer":
          answers.set(command.params.questionId, seq)
          return
        case "_berth/file_change":
          return fileChange(seq, command.params)
        case "_berth/release":
          return release(seq, command.params.reason)
        case "_berth/close":
          return close()
        default: {
          const unknown: never = command
          decline(seq, `Unknown command ${JSON.stringify((unknown as Command).method)}.`)
        }
      }
    },
    unreadable: (seq, reason) => decline(seq, `The command cannot be read: ${reason}.`),
    notice(notification) {
      switch (notification.method) {
        case "_berth/question_resolved":
          return resolve(notification.params)
        case "_berth/question_expired":
          return desk.expire(notification.params.questionId)
        case "_berth/session_updated":
          settings.permissions = notification.params.permissions ?? settings.permissions
          settings.permissionHoldMs = notification.params.permissionHoldMs ?? settings.permissionHoldMs
          return
        default:
          return
      }
    },
  }
}
