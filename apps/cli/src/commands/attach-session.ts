import { sessionShape } from "../api/session-shape.ts"
import { converse } from "../session/converse.ts"
import { createRenderer } from "../session/renderer.ts"
import { createSubmitter } from "../session/submit.ts"
import type { Ending } from "../session/turn-tracker.ts"
import type { CommandContext } from "./context.ts"
import { agentName } from "./run-prompt.ts"

export interface AttachOptions {
  /** How many entries of the past are shown first. */
  readonly history: number
  readonly auto?: boolean
}

/** `berth attach`: a session live, until the person leaves it or it closes. */
export async function attachSession(
  { api, terminal }: CommandContext,
  sessionId: string,
  options: AttachOptions,
): Promise<Ending> {
  const over = new AbortController()
  const { signal } = over
  const path = `/api/sessions/${encodeURIComponent(sessionId)}`
  const session = await api.request(sessionShape, "GET", path, { signal })
  const submitter = createSubmitter(api, { sessionId: session.id, signal })
  const renderer = createRenderer(terminal, { isOwnKey: submitter.isOwnKey, showsTurnEnds: true })
  const after = Math.max(0, session.head_seq - options.history)
  renderer.say(`session ${session.id} (${agentName(session)}), ${session.status.replace("_", " ")}`)
  if (after > 0) renderer.say(`${after} earlier entries: berth logs ${session.id}`)
  if (terminal.isInteractive) {
    renderer.say(
      "Type a prompt and Enter. Ctrl-C cancels a turn, or leaves; so does Ctrl-D. The session goes on.",
    )
  }
  return converse({
    api,
    terminal,
    renderer,
    submitter,
    over,
    sessionId: session.id,
    after,
    commandSeq: null,
    openQuestions: session.questions
      .filter(({ seq }) => seq <= after)
      .map((question) => ({ ...question, questionId: question.question_id, detail: "" })),
    isTurnOpen: session.turn !== null,
    isAuto: options.auto ?? false,
    isCompact: true,
  })
}
