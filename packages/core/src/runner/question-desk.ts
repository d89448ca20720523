import { limits, type Answer, type QuestionKind, type QuestionOption } from "@berth/protocol"
import type { Clock, Ids } from "../ports/runtime.ts"
import type { AskedQuestion } from "./answer-prompt.ts"
import type { Outbox } from "./outbox.ts"

/**
 * Our side writes the expiry, so that an answer and an expiry have one order. Only when nothing is
 * heard for this long after the time was up does a runner let go by itself.
 */
const expiryGraceMs = 3_000
/** A larger question would be spilled, and its session's head would not know of it. */
const questionTextMax = limits.entryBytes / 4
const rememberedMax = 1_000

export interface Question {
  readonly kind: QuestionKind
  readonly message: string
  readonly options: readonly QuestionOption[]
  readonly turnId: string | null
  readonly toolCall?: { readonly toolCallId: string; readonly [field: string]: unknown }
  readonly stage?: string
  readonly artifacts?: readonly string[]
  readonly isFinal?: boolean
  readonly schema?: Readonly<Record<string, unknown>>
}

/** `expired`: nobody answered in time. `released`: the turn is over, or nothing more may be asked. */
export type Held =
  | { readonly state: "answered"; readonly answer: Answer }
  | { readonly state: "expired" }
  | { readonly state: "released" }

/** The questions of an agent: what they are, and who waits for which. */
export interface QuestionDesk {
  /** Puts a question and waits. `signal`: the agent no longer wants to know. */
  hold(question: Question, holdMs: number, signal: AbortSignal): Promise<Held>
  /** Puts a question that holds nobody. False when too many are open. */
  put(question: Question): boolean
  /** Null: settled without an answer. True when somebody waited for it. */
  resolve(questionId: string, answer: Answer | null): boolean
  expire(questionId: string): void
  /** Lets everybody go who waits. */
  releaseAll(): void
  find(questionId: string): (AskedQuestion & { readonly options: readonly QuestionOption[] }) | null
}

export function createQuestionDesk(options: {
  readonly outbox: Outbox
  readonly clock: Clock
  readonly ids: Ids
}): QuestionDesk {
  const { outbox, clock, ids } = options
  const open = new Map<string, Question>()
  const waiting = new Map<string, (held: Held) => void>()

  const write = (question: Question, expiresAt: string | null): string | null => {
    if (waiting.size >= limits.pendingQuestions) {
      const message = `More than ${limits.pendingQuestions} questions wait for an answer; one more was not put.`
      outbox.write("_berth/error", { code: "too_many_questions", message })
      return null
    }
    const questionId = `q_${ids.next()}`
    open.set(questionId, question)
    const [oldest] = open.keys()
    if (open.size > rememberedMax && oldest !== undefined) open.delete(oldest)
    const { turnId, toolCall, artifacts, ...rest } = question
    outbox.write("_berth/question", {
      ...rest,
      questionId,
      message: question.message.slice(0, questionTextMax),
      options: question.options.filter(isUsable).slice(0, 100),
      ...(artifacts === undefined ? {} : { artifacts: [...artifacts] }),
      expiresAt,
      ...(turnId === null ? {} : { turnId }),
      ...(toolCall === undefined ? {} : { toolCall: shorten(toolCall) }),
    })
    return questionId
  }

  const settle = (questionId: string, held: Held): boolean => {
    const resolve = waiting.get(questionId)
    waiting.delete(questionId)
    resolve?.(held)
    return resolve !== undefined
  }

  return {
    async hold(question, holdMs, signal) {
      const questionId = write(question, new Date(clock.now() + holdMs).toISOString())
      if (questionId === null || signal.aborted) return { state: "released" }
      const settled = new AbortController()
      const held = await new Promise<Held>((resolve) => {
        waiting.set(questionId, resolve)
        const letGo = (): void => void settle(questionId, { state: "released" })
        signal.addEventListener("abort", letGo, { once: true, signal: settled.signal })
        void clock.sleep(holdMs + expiryGraceMs, { signal: settled.signal }).then(() => {
          if (!settled.signal.aborted) settle(questionId, { state: "expired" })
        })
      })
      settled.abort()
      return held
    },
    put: (question) => write(question, null) !== null,
    resolve(questionId, answer) {
      if (answer === null) open.delete(questionId)
      return settle(questionId, answer === null ? { state: "released" } : { state: "answered", answer })
    },
    expire: (questionId) => void settle(questionId, { state: "expired" }),
    releaseAll() {
      for (const questionId of waiting.keys()) settle(questionId, { state: "released" })
    },
    find: (questionId) => open.get(questionId) ?? null,
  }
}

function isUsable(option: QuestionOption): boolean {
  return option.optionId.length > 0 && option.optionId.length <= 256 && option.name.length <= 1024
}

/** A tool call may hold whole files; who decides needs to know what it is. */
function shorten(toolCall: NonNullable<Question["toolCall"]>): NonNullable<Question["toolCall"]> {
  if (JSON.stringify(toolCall).length <= questionTextMax) return toolCall
  const { toolCallId, title, kind } = toolCall
  return {
    toolCallId,
    title: typeof title === "string" ? title.slice(0, 1024) : null,
    kind,
    isShortened: true,
  }
}
