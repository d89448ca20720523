import { AppError, isAppError } from "@berth/core"
import type { Answer } from "@berth/protocol"
import type { BerthApi } from "../api/berth-api.ts"
import { sessionShape } from "../api/session-shape.ts"
import type { Terminal } from "../terminal/terminal.ts"
import { createAsker, type Question } from "./asker.ts"
import { followLog, type FollowEvent } from "./follow-log.ts"
import type { Renderer } from "./renderer.ts"
import type { Submitter } from "./submit.ts"
import { createTurnTracker, type Ending } from "./turn-tracker.ts"

export interface ConverseOptions {
  readonly api: BerthApi
  readonly terminal: Terminal
  readonly renderer: Renderer
  readonly submitter: Submitter
  readonly sessionId: string
  /** Entries with a higher seq are shown. */
  readonly after: number
  /** Ends with the turn of this command; null: when the person leaves or the session closes. */
  readonly commandSeq: number | null
  readonly openQuestions: readonly Question[]
  readonly isTurnOpen: boolean
  readonly isAuto: boolean
  readonly isCompact?: boolean
  /** Aborted when the conversation is over; whoever made it passes its signal to all requests. */
  readonly over: AbortController
}

/** Shows a session live and passes on what the person says: answers, prompts, Ctrl-C. */
export async function converse(options: ConverseOptions): Promise<Ending> {
  const { terminal, renderer, submitter, over, commandSeq } = options
  const { isInteractive } = terminal
  const tracker = commandSeq === null ? null : createTurnTracker({ commandSeq, isInteractive })
  const asker = createAsker({
    renderer,
    isInteractive,
    isAuto: options.isAuto,
    answer: (question, answer) => sendAnswer(options, question, answer),
  })
  for (const question of options.openQuestions) asker.open(question)
  let ending: Ending | null = null
  let isTurnOpen = options.isTurnOpen || commandSeq !== null
  let isCancelling = false

  const end = (how: Ending): void => {
    ending ??= how
    over.abort()
  }
  const fail = (error: unknown): void => {
    if (!over.signal.aborted) renderer.say(messageOf(error), "bad")
  }
  const interrupt = (): void => {
    if (isCancelling || !isTurnOpen) return end("left")
    isCancelling = true
    renderer.say("cancelling; Ctrl-C again leaves the session to itself")
    submitter.cancel().catch(fail)
  }
  const line = (text: string | null): void => {
    if (text === null) {
      if (commandSeq === null) end("left")
    } else if (!asker.line(text) && commandSeq === null && text.trim() !== "") {
      submitter.prompt(text).catch(fail)
    }
  }
  const see = (event: FollowEvent): void => {
    if (event.type === "entry") {
      const { entry } = event
      const { waiting } = asker
      renderer.show(entry, event.text)
      asker.see(entry)
      if (entry.type === "notification" && entry.notification.method === "_berth/turn_started")
        isTurnOpen = true
      if (entry.type === "notification" && entry.notification.method === "_berth/turn_ended") {
        isTurnOpen = false
        isCancelling = false
      }
      const how = tracker?.see(entry, waiting) ?? null
      if (how !== null) end(how)
    } else if (event.type === "caught_up") asker.ready()
    else say(renderer, event)
  }

  const stops = [terminal.onInterrupt(interrupt), ...(isInteractive ? [terminal.onLine(line)] : [])]
  try {
    await watch(options, see, end)
  } finally {
    for (const stop of stops) stop()
    renderer.breakLine()
    over.abort()
  }
  return ending ?? "left"
}

/** Until the ending is known; a stream that ends while the command is still on its way is opened again. */
async function watch(
  options: ConverseOptions,
  see: (event: FollowEvent) => void,
  end: (how: Ending) => void,
): Promise<void> {
  const { api, sessionId, over } = options
  const follow = { sessionId, signal: over.signal, isCompact: options.isCompact ?? false }
  let { after } = options
  let isFirst = true
  while (!over.signal.aborted) {
    const until = options.commandSeq !== null && isFirst ? { until: "idle" as const } : {}
    isFirst = false
    for await (const event of followLog(api, { ...follow, ...until, after })) {
      if (event.type === "entry") after = event.entry.seq
      if (event.type === "gap") after = event.to
      if (over.signal.aborted) return
      if (event.type === "end" && (await isOver(api, sessionId))) return end("closed")
      if (event.type !== "end") see(event)
      if (over.signal.aborted) return
    }
  }
}

async function isOver(api: BerthApi, sessionId: string): Promise<boolean> {
  try {
    const { status } = await api.request(sessionShape, "GET", `/api/sessions/${sessionId}`)
    return status === "closed"
  } catch (error) {
    if (isAppError(error, "session_not_found") || isAppError(error, "log_closed")) return true
    if (isAppError(error, "unavailable")) return false
    throw error
  }
}

function say(renderer: Renderer, event: FollowEvent): void {
  if (event.type === "lost") renderer.say("the server is away; waiting for it", "bad")
  if (event.type === "back") renderer.say("the server is back; nothing was missed", "good")
  if (event.type === "gap") renderer.say(`entries ${event.from} to ${event.to}: ${event.cause}`, "bad")
}

async function sendAnswer(
  { submitter, renderer, over }: ConverseOptions,
  question: Question,
  answer: Answer,
): Promise<boolean> {
  try {
    await submitter.answer(question.questionId, answer)
    return true
  } catch (error) {
    if (over.signal.aborted) return true
    renderer.say(messageOf(error), "bad")
    // Somebody else's answer is on its way here; one that was refused can be given again.
    return !isAppError(error, "bad_params")
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AppError) return error.message
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
