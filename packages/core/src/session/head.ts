import type {
  Command,
  EntryBody,
  Notification,
  NotificationParams,
  Origin,
  QuestionKind,
  QuestionOption,
  SessionId,
  SessionStatus,
  TurnOutcome,
} from "@berth/protocol"
import { assertNever } from "../errors/assert-never.ts"
import { addUsage, type UsageTotals } from "./usage-totals.ts"

/** A command that no runner has finished. `queued` until a runner says it has it. */
export interface PendingCommand {
  readonly seq: number
  readonly method: Command["method"]
  readonly state: "queued" | "accepted" | "delivered"
}

export interface OpenQuestion {
  readonly questionId: string
  readonly kind: QuestionKind
  readonly seq: number
  readonly turnId: string | null
  readonly message: string
  readonly options: readonly QuestionOption[]
  readonly expiresAt: string | null
  /** Nothing holds the agent for it any more; an answer starts a new turn. */
  readonly isExpired: boolean
}

/**
 * The state of a session as its log tells it: the fold of `reduceHead` over all entries. It is stored
 * beside the log so that nobody has to read a log to know where a session stands, and it can be
 * rebuilt from the log at any time.
 */
export interface Head {
  readonly sessionId: SessionId
  readonly status: SessionStatus
  readonly commands: readonly PendingCommand[]
  readonly lastCommandSeq: number
  readonly lastDoneSeq: number
  readonly turn: { readonly turnId: string; readonly commandSeq: number; readonly startedAt: string } | null
  readonly lastTurn: { readonly turnId: string; readonly outcome: TurnOutcome } | null
  readonly questions: readonly OpenQuestion[]
  readonly sandbox: {
    readonly generation: number
    readonly state: NotificationParams<"_berth/sandbox">["state"]
    readonly since: string
  } | null
  readonly agentSessionId: string | null
  readonly snapshot: {
    readonly manifest: string
    readonly seq: number
    readonly isFuzzy: boolean
    readonly files: number
    readonly bytes: number
  } | null
  readonly usage: UsageTotals
  readonly isBudgetExhausted: boolean
  readonly pipelineStage: string | null
  /** Set by our side when a session has failed or is closed for good; a new prompt ends `failed`. */
  readonly ended: "failed" | "closed" | null
  /** Time of the last entry that was work: prompts, updates, runs. */
  readonly lastActivityAt: string | null
}

export function createHead(sessionId: SessionId): Head {
  return {
    sessionId,
    status: "created",
    commands: [],
    lastCommandSeq: 0,
    lastDoneSeq: 0,
    turn: null,
    lastTurn: null,
    questions: [],
    sandbox: null,
    agentSessionId: null,
    snapshot: null,
    usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, usd: 0 },
    isBudgetExhausted: false,
    pipelineStage: null,
    ended: null,
    lastActivityAt: null,
  }
}

export interface PlacedEntry {
  readonly seq: number
  readonly timestamp: string
  readonly origin: Origin
  readonly body: EntryBody
}

/** Pure. The head after one more entry. */
export function reduceHead(head: Head, entry: PlacedEntry): Head {
  const { body } = entry
  switch (body.type) {
    case "client_message":
      return withStatus(reduceCommand(head, entry, body.message.method))
    case "spilled":
      // Only prompts and large updates spill; a spilled command must still reach a runner.
      return body.key === undefined
        ? { ...head, lastActivityAt: entry.timestamp }
        : withStatus(reduceCommand(head, entry, body.method as Command["method"]))
    case "notification":
      if (body.notification.method === "session/update") return { ...head, lastActivityAt: entry.timestamp }
      return withStatus(reduceNotification(head, entry, body.notification))
    default:
      return assertNever(body)
  }
}

/** Whether the sweeper has to look at this session: something is due, held or running. */
export function isActive(head: Head): boolean {
  return (
    head.commands.length > 0 ||
    head.turn !== null ||
    hasSandbox(head) ||
    head.questions.some((question) => question.expiresAt !== null && !question.isExpired)
  )
}

export function hasSandbox(head: Head): boolean {
  return head.sandbox !== null && head.sandbox.state !== "lost" && head.sandbox.state !== "released"
}

function reduceCommand(head: Head, entry: PlacedEntry, method: Command["method"]): Head {
  const isWork = method !== "_berth/release"
  return {
    ...head,
    commands: [...head.commands, { seq: entry.seq, method, state: "queued" }],
    lastCommandSeq: entry.seq,
    ended: head.ended === "failed" && isWork ? null : head.ended,
    lastActivityAt: isWork ? entry.timestamp : head.lastActivityAt,
  }
}

function reduceNotification(head: Head, entry: PlacedEntry, notification: Notification): Head {
  const at = entry.timestamp
  switch (notification.method) {
    case "_berth/session_state":
      return reduceSessionState(head, notification.params)
    case "_berth/agent_state": {
      const { agentSessionId } = notification.params
      return agentSessionId === undefined ? head : { ...head, agentSessionId }
    }
    case "_berth/sandbox": {
      const { generation, state } = notification.params
      return { ...head, sandbox: { generation, state, since: at } }
    }
    case "_berth/turn_started": {
      const { turnId, commandSeq } = notification.params
      return { ...head, turn: { turnId, commandSeq, startedAt: at }, lastActivityAt: at }
    }
    case "_berth/turn_ended": {
      const { turnId, outcome } = notification.params
      const turn = head.turn?.turnId === turnId ? null : head.turn
      return { ...head, turn, lastTurn: { turnId, outcome }, lastActivityAt: at }
    }
    case "_berth/command_state":
      return reduceCommandState(head, notification.params)
    case "_berth/question":
      return { ...head, questions: [...head.questions, openQuestion(entry.seq, notification.params)] }
    case "_berth/question_expired": {
      const { questionId } = notification.params
      const expire = (question: OpenQuestion): OpenQuestion =>
        question.questionId === questionId ? { ...question, isExpired: true } : question
      return { ...head, questions: head.questions.map(expire) }
    }
    case "_berth/question_resolved": {
      const { questionId } = notification.params
      return { ...head, questions: head.questions.filter((question) => question.questionId !== questionId) }
    }
    case "_berth/snapshot": {
      const { manifest, fuzzy, files, bytes } = notification.params
      return { ...head, snapshot: { manifest, seq: entry.seq, isFuzzy: fuzzy ?? false, files, bytes } }
    }
    case "_berth/usage":
      return { ...head, usage: addUsage(head.usage, notification.params.usage) }
    case "_berth/budget":
      return { ...head, isBudgetExhausted: notification.params.state === "exhausted" }
    case "_berth/run_started":
    case "_berth/run_output":
    case "_berth/run_ended":
    case "session/update":
      return { ...head, lastActivityAt: at }
    case "_berth/session_updated":
    case "_berth/setup":
    case "_berth/artifact":
    case "_berth/file_changed":
    case "_berth/file_conflict":
    case "_berth/model_stream_cut":
    case "_berth/output_truncated":
    case "_berth/salvage":
    case "_berth/forked":
    case "_berth/error":
      return head
    default:
      return assertNever(notification)
  }
}

function reduceSessionState(head: Head, params: NotificationParams<"_berth/session_state">): Head {
  const pipelineStage = params.pipeline_stage ?? head.pipelineStage
  const ended = params.status === "failed" || params.status === "closed" ? params.status : head.ended
  return { ...head, pipelineStage, ended }
}

function reduceCommandState(head: Head, params: NotificationParams<"_berth/command_state">): Head {
  const { commandSeq, state } = params
  if (state === "done" || state === "declined") {
    const commands = head.commands.filter((command) => command.seq !== commandSeq)
    return { ...head, commands, lastDoneSeq: Math.max(head.lastDoneSeq, commandSeq) }
  }
  const commands = head.commands.map((command) =>
    command.seq === commandSeq ? { ...command, state } : command,
  )
  return { ...head, commands }
}

function openQuestion(seq: number, params: NotificationParams<"_berth/question">): OpenQuestion {
  return {
    questionId: params.questionId,
    kind: params.kind,
    seq,
    turnId: params.turnId ?? null,
    message: params.message,
    options: params.options,
    expiresAt: params.expiresAt,
    isExpired: false,
  }
}

function withStatus(head: Head): Head {
  const status = deriveStatus(head)
  return status === head.status ? head : { ...head, status }
}

function deriveStatus(head: Head): SessionStatus {
  if (head.ended !== null) return head.ended
  if (head.questions.some((question) => !question.isExpired)) return "awaiting_input"
  if (head.turn !== null) return "running"
  const isWaiting = head.commands.some((command) => command.method !== "_berth/release")
  if (isWaiting) return hasSandbox(head) && head.sandbox?.state !== "created" ? "running" : "provisioning"
  return head.sandbox === null ? "created" : "idle"
}
