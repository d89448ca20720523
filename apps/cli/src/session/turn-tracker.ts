import type { TurnOutcome } from "@berth/protocol"
import { isRecord } from "./describe-update.ts"
import type { Question } from "./asker.ts"
import type { WireEntry } from "./wire-entry.ts"

/** How a conversation ended for the one who started it. */
export type Ending = TurnOutcome | "declined" | "closed" | "awaiting_input" | "left"

/** Follows one command to its end, through the turns that answers to its questions start. */
export interface TurnTracker {
  /** The ending, once there is one. `waiting` are the questions open before this entry. */
  see(entry: WireEntry, waiting: readonly Question[]): Ending | null
  readonly isTurnOver: boolean
}

export function createTurnTracker(options: {
  readonly commandSeq: number
  /** Whether somebody here can answer what the agent waits for. */
  readonly isInteractive: boolean
}): TurnTracker {
  let { commandSeq } = options
  let outcome: TurnOutcome | null = null
  let nextSeq: number | null = null

  const turnEnded = (how: TurnOutcome, waiting: readonly Question[]): Ending | null => {
    if (nextSeq !== null) {
      commandSeq = nextSeq
      nextSeq = null
      return null
    }
    if (how !== "completed" || !waiting.some(startsTurn)) return how
    outcome = how
    return options.isInteractive ? null : "awaiting_input"
  }

  return {
    get isTurnOver() {
      return outcome !== null
    },
    see(entry, waiting) {
      if (entry.type === "client_message") {
        if (!answersOneOf(entry, waiting.filter(startsTurn))) return null
        // While the turn that asked still runs, the one its answer starts comes after it.
        if (outcome === null) nextSeq = entry.seq
        else {
          commandSeq = entry.seq
          outcome = null
        }
        return null
      }
      if (entry.type !== "notification") return null
      const { method, params } = entry.notification
      if (method === "_berth/turn_ended" && params.commandSeq === commandSeq) {
        return turnEnded(params.outcome, waiting)
      }
      if (method === "_berth/command_state" && params.commandSeq === commandSeq) {
        if (params.state === "declined") return "declined"
        return params.state === "done" && outcome === null && nextSeq === null ? "completed" : null
      }
      if (method === "_berth/session_state" && params.status === "closed") return "closed"
      return method === "_berth/session_state" && params.status === "failed" ? "failed" : null
    },
  }
}

/** The answer to such a question is the next prompt; that of a permission goes on with the turn. */
function startsTurn({ kind }: Question): boolean {
  return kind !== "permission"
}

function answersOneOf(
  entry: Extract<WireEntry, { type: "client_message" }>,
  questions: readonly Question[],
): boolean {
  if (entry.method !== "_berth/answer" || !isRecord(entry.params)) return false
  const { questionId } = entry.params
  return questions.some((question) => question.questionId === questionId)
}
