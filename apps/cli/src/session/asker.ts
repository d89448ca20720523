import type { Answer, NotificationParams, QuestionKind, QuestionOption } from "@berth/protocol"
import { neutraliseLine } from "../terminal/neutralise.ts"
import { toolText } from "./describe-update.ts"
import type { Renderer } from "./renderer.ts"
import type { WireEntry } from "./wire-entry.ts"

export interface Question {
  readonly questionId: string
  readonly kind: QuestionKind
  readonly message: string
  readonly options: readonly QuestionOption[]
  /** What is asked about, in full: the command, the file. Empty when the message says all. */
  readonly detail: string
}

export interface AskerOptions {
  readonly renderer: Pick<Renderer, "say">
  /** Sends an answer. False when it was refused and the question still stands; says why itself. */
  readonly answer: (question: Question, answer: Answer) => Promise<boolean>
  /** Whether somebody is there to answer. */
  readonly isInteractive: boolean
  /** Permissions are granted without a word. */
  readonly isAuto: boolean
}

/**
 * Puts the session's questions to the person, one at a time, and only those that are open now: questions
 * of the past are asked after `ready`, when the log said whether they were answered.
 */
export interface Asker {
  see(entry: WireEntry): void
  open(question: Question): void
  ready(): void
  /** A line typed: true when it was meant for a question. */
  line(text: string): boolean
  readonly waiting: readonly Question[]
}

export function createAsker({ renderer, answer, isInteractive, isAuto }: AskerOptions): Asker {
  const questions = new Map<string, Question>()
  const sent = new Set<string>()
  let shown: string | null = null
  let isReady = false

  const current = (): Question | null => {
    for (const question of questions.values()) if (!sent.has(question.questionId)) return question
    return null
  }
  const send = async (question: Question, chosen: Answer): Promise<void> => {
    sent.add(question.questionId)
    if (await answer(question, chosen)) return
    sent.delete(question.questionId)
    shown = null
    ask()
  }
  const ask = (): void => {
    const question = isReady ? current() : null
    if (question === null || question.questionId === shown) return
    shown = question.questionId
    const granted =
      isAuto && question.kind === "permission" ? optionOf(question, "allow_once", "allow_always") : null
    if (granted !== null) {
      renderer.say(`granted: ${neutraliseLine(question.message)}`)
      void send(question, { optionId: granted.optionId })
      ask()
      return
    }
    renderer.say(question.message, "ask")
    if (question.detail !== "") renderer.say(question.detail.replaceAll(/^/gm, "  | "), "plain")
    renderer.say(isInteractive ? howToAnswer(question) : elsewhere(question), "ask")
  }

  return {
    get waiting() {
      return [...questions.values()]
    },
    open(question) {
      questions.set(question.questionId, question)
      ask()
    },
    ready() {
      isReady = true
      ask()
    },
    see(entry) {
      if (entry.type !== "notification") return
      const { method, params } = entry.notification
      if (method === "_berth/question") {
        questions.set(params.questionId, toQuestion(params))
      } else if (method === "_berth/question_expired" && questions.has(params.questionId)) {
        renderer.say("The agent no longer waits for this answer; one given now starts a new turn.")
      } else if (method === "_berth/question_resolved" && questions.delete(params.questionId)) {
        const isOwn = sent.delete(params.questionId)
        if (!isOwn && shown === params.questionId) renderer.say(`answered by ${neutraliseLine(params.by)}`)
      } else return
      ask()
    },
    line(text) {
      const question = isReady ? current() : null
      if (question === null || question.questionId !== shown) return false
      const chosen = parseAnswer(question, text)
      if (chosen === null) renderer.say(howToAnswer(question), "ask")
      else {
        void send(question, chosen)
        ask()
      }
      return true
    },
  }
}

export function toQuestion(params: NotificationParams<"_berth/question">): Question {
  const { questionId, kind, message, options, toolCall } = params
  return { questionId, kind, message, options, detail: describeCall(toolCall, message) }
}

/** The command in full where there is one: a title may be cut, and what is granted must be what is read. */
function describeCall(toolCall: Readonly<Record<string, unknown>> | undefined, message: string): string {
  const input = toolCall?.["rawInput"]
  const command = typeof input === "object" && input !== null && "command" in input ? input.command : null
  const text = typeof command === "string" ? command : toolText(toolCall?.["content"])
  return text.trim() === message.trim() ? "" : text.trim()
}

type OptionKind = NonNullable<QuestionOption["kind"]>

/** The first option of the first of these kinds that there is. */
function optionOf(question: Question, ...kinds: readonly OptionKind[]): QuestionOption | null {
  for (const kind of kinds) {
    const option = question.options.find((candidate) => candidate.kind === kind)
    if (option !== undefined) return option
  }
  return null
}

/** What a typed line answers; null when it answers nothing. Only a clear word grants. */
export function parseAnswer(question: Question, text: string): Answer | null {
  const word = text.trim().toLowerCase()
  const byNumber = /^\d{1,3}$/.test(word) ? question.options[Number(word) - 1] : undefined
  if (byNumber !== undefined) return { optionId: byNumber.optionId }
  if (question.kind === "input") return word === "" ? null : { feedback: text }
  const isYes = word === "y" || word === "yes"
  const isNo = word === "n" || word === "no"
  if (question.kind === "permission") {
    if (isYes) return chosen(optionOf(question, "allow_once"))
    if (isNo) return chosen(optionOf(question, "reject_once", "reject_always"))
    return word === "a" || word === "always" ? chosen(optionOf(question, "allow_always")) : null
  }
  if (isYes) return { action: "approve" }
  if (isNo) return { action: "reject" }
  return word === "" ? null : { action: "modify", feedback: text }
}

function chosen(option: QuestionOption | null): Answer | null {
  return option === null ? null : { optionId: option.optionId }
}

function howToAnswer(question: Question): string {
  const numbered = question.options.map(({ name }, at) => `${at + 1} ${neutraliseLine(name, 80)}`)
  const words =
    question.kind === "permission"
      ? ["y yes", "n no", ...(optionOf(question, "allow_always") === null ? [] : ["a always"])]
      : question.kind === "checkpoint"
        ? ["y approve", "n reject", "or what to change"]
        : ["your answer"]
  return `[${[...words, ...numbered].join(" · ")}] then Enter`
}

function elsewhere(question: Question): string {
  const where = "the page, or `berth attach` on a terminal"
  return question.kind === "permission"
    ? `Waiting for an answer from ${where}; --auto grants permissions.`
    : `Waiting for an answer from ${where}.`
}
