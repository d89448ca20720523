import { limits, type Answer, type Command, type NotificationParams } from "@berth/protocol"
import { AppError, isAppError } from "../errors/app-error.ts"
import { isOversized } from "../log/spill-body.ts"
import type { EventLog, NewEntry, SubmitResult } from "../ports/event-log.ts"
import type { SessionRecord } from "../ports/session-store.ts"
import { clientKey } from "./client-key.ts"
import type { OpenQuestion } from "./head.ts"
import { serverEntry } from "./server-entry.ts"

type AnswerCommand = Extract<Command, { method: "_berth/answer" }>

/** No log ever has this head: what is submitted with it is looked up, and never written. */
const neverHead = -1
/** Of the question's words as they are repeated with its answer; the question itself has them all. */
const maxMessageLength = 10_000

/**
 * Writes an answer and the resolution it brings in one transaction. The name `answer/<questionId>` is
 * taken once per log: the first answer wins, and the loser is told the winner's seq.
 */
export function createSubmitAnswer(options: { readonly eventLog: EventLog }) {
  const { eventLog } = options

  return async (
    record: SessionRecord,
    command: AnswerCommand,
    sender: { readonly key: string; readonly by: string },
  ): Promise<SubmitResult> => {
    const { questionId } = command.params
    const { head } = await eventLog.state(record.log)
    const question = head.questions.find((candidate) => candidate.questionId === questionId)
    const request = { key: clientKey(sender.key), once: `answer/${questionId}` }
    const entryOf = (message: Command): NewEntry => ({
      origin: "client",
      body: { type: "client_message", message, key: sender.key },
    })
    if (question === undefined) {
      return await eventLog
        .submit(record.log, { ...request, entries: [entryOf(command)], ifHead: neverHead })
        .catch(unknownQuestion)
    }
    const answer = chooseAnswer(question, command.params)
    const message: Command = { ...command, params: { ...command.params, ...answer } }
    const resolved = {
      sessionId: record.id,
      questionId,
      answer,
      by: sender.by,
      ...whatWasAsked(question, answer),
    }
    const entries: readonly NewEntry[] = [
      entryOf(message),
      serverEntry({ method: "_berth/question_resolved", params: resolved }),
    ]
    if (entries.some(({ body }) => isOversized(JSON.stringify(body)))) {
      throw new AppError("too_large", `Keep an answer below ${limits.entryBytes} bytes.`)
    }
    return eventLog.submit(record.log, { ...request, entries })
  }
}

function whatWasAsked(
  question: OpenQuestion,
  answer: Answer,
): Pick<NotificationParams<"_berth/question_resolved">, "kind" | "message" | "choice"> {
  const { kind, message, options } = question
  const choice = options.find((option) => option.optionId === answer.optionId)?.name
  const asked = { kind, message: message.slice(0, maxMessageLength) }
  return choice === undefined ? asked : { ...asked, choice }
}

/** The key was not known and nobody has answered: so the question was never asked. */
function unknownQuestion(error: unknown): never {
  if (!isAppError(error, "precondition_failed")) throw error
  throw new AppError("question_not_found", "This session has no such question. Read its open questions.")
}

/** Pure. The answer with its option chosen: `approve` and `reject` stand for the option of that kind. */
function chooseAnswer(question: OpenQuestion, params: AnswerCommand["params"]): Answer {
  const { optionId, action, feedback, options } = params
  const chosen = optionId ?? optionForAction(question, action)
  if (optionId !== undefined && !question.options.some((option) => option.optionId === optionId)) {
    throw badAnswer("params.optionId", `Choose one of the question's options: ${optionIds(question)}.`)
  }
  if (question.kind === "permission" && chosen === undefined) {
    throw badAnswer("params.optionId", `Answer with one of: ${optionIds(question)}.`)
  }
  if (chosen === undefined && action === undefined && feedback === undefined && options === undefined) {
    throw badAnswer("params", "Answer with optionId, action, feedback or options.")
  }
  return {
    ...(chosen === undefined ? {} : { optionId: chosen }),
    ...(action === undefined ? {} : { action }),
    ...(feedback === undefined ? {} : { feedback }),
    ...(options === undefined ? {} : { options }),
  }
}

function optionForAction(question: OpenQuestion, action: Answer["action"]): string | undefined {
  const kinds =
    action === "approve"
      ? ["allow_once", "allow_always"]
      : action === "reject"
        ? ["reject_once", "reject_always"]
        : []
  const options = kinds.map((kind) => question.options.find((option) => option.kind === kind))
  return options.find((option) => option !== undefined)?.optionId
}

function optionIds(question: OpenQuestion): string {
  return question.options.map((option) => option.optionId).join(", ")
}

function badAnswer(path: string, message: string): AppError {
  return new AppError("bad_params", message, { details: { rpc_code: -32602, path } })
}
