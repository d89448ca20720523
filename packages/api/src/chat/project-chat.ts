import { addUsage, assertNever } from "@berth/core"
import type { ChatEvent, Entry, Notification, NotificationParams } from "@berth/protocol"
import { closeMessage, projectChunk } from "./project-message.ts"
import { projectQuestion, projectResolution } from "./project-question.ts"
import { closeToolCalls, projectToolCall } from "./project-tool-call.ts"
import { projectTurnEnd } from "./project-turn-end.ts"
import { createChatState, type ChatState, type Projection } from "./chat-state.ts"

/**
 * Pure. One entry of the log as events of the chat projection, and the state they leave. The state
 * starts anew with every turn, so a reader can go on anywhere after reading one turn back.
 */
export function projectEntry(state: ChatState, entry: Entry): Projection {
  const projection = projectBody(state, entry)
  if (entry.seq !== 1) return projection
  const sessionId = sessionOf(entry)
  const opening: readonly ChatEvent[] = sessionId === null ? [] : [{ type: "session_init", sessionId }]
  return { state: projection.state, events: [...opening, ...projection.events] }
}

function projectBody(state: ChatState, entry: Entry): Projection {
  switch (entry.type) {
    case "client_message":
      return { state, events: [] }
    case "spilled":
      return { state, events: [status(`An entry of ${entry.size} bytes is kept as blob ${entry.blob}.`)] }
    case "notification":
      return projectNotification(state, entry.seq, entry.notification)
    default:
      return assertNever(entry)
  }
}

function projectNotification(state: ChatState, seq: number, notification: Notification): Projection {
  switch (notification.method) {
    case "session/update":
      return projectUpdate(state, seq, notification.params.update)
    case "_berth/turn_started":
      return startTurn(state)
    case "_berth/turn_ended":
      return projectTurnEnd(state, notification.params)
    case "_berth/question":
      return projectQuestion(state, notification.params)
    case "_berth/question_resolved":
      return projectResolution(state, notification.params)
    case "_berth/artifact":
      return { state, events: [artifact(seq, notification.params)] }
    case "_berth/usage":
      return { state: { ...state, usage: addUsage(state.usage, notification.params.usage) }, events: [] }
    case "_berth/error": {
      const { message, code } = notification.params
      return { state, events: [{ type: "error", error: message, code }] }
    }
    case "_berth/budget":
      if (notification.params.state === "ok") return { state, events: [] }
      return { state, events: [{ type: "error", error: "The budget is used up.", code: "budget_exhausted" }] }
    default: {
      const message = statusMessage(notification)
      return { state, events: message === null ? [] : [status(message)] }
    }
  }
}

/** A turn that was cut off without an end leaves nothing open in the next one. */
function startTurn(state: ChatState): Projection {
  const message = closeMessage(state)
  const tools = closeToolCalls(message.state, "interrupted")
  return { state: createChatState(), events: [...message.events, ...tools.events] }
}

function projectUpdate(
  state: ChatState,
  seq: number,
  update: NotificationParams<"session/update">["update"],
): Projection {
  switch (update.sessionUpdate) {
    case "agent_message_chunk":
    case "agent_thought_chunk":
      return projectChunk(state, seq, update)
    case "tool_call":
    case "tool_call_update": {
      const closed = update.sessionUpdate === "tool_call" ? closeMessage(state) : { state, events: [] }
      const called = projectToolCall(closed.state, update)
      return { state: called.state, events: [...closed.events, ...called.events] }
    }
    case "user_message_chunk":
    case "plan":
    case "available_commands_update":
    case "current_mode_update":
    case "config_option_update":
    case "session_info_update":
    case "usage_update":
    case "notice":
    case "compaction_update":
    case "compaction_summary_chunk":
      return { state, events: [] }
    default:
      return assertNever(update)
  }
}

/** What a simple client is told of the session's own affairs; null for what it need not know. */
function statusMessage(notification: Notification): string | null {
  switch (notification.method) {
    case "_berth/session_state":
      return notification.params.detail ?? notification.params.status
    case "_berth/setup":
      return `setup ${notification.params.status}${suffix(notification.params.step)}`
    case "_berth/sandbox":
      return `sandbox ${notification.params.state}${suffix(notification.params.reason)}`
    case "_berth/model_stream_cut":
      return `The model's stream was cut${suffix(notification.params.reason)}`
    case "_berth/output_truncated":
      return `${notification.params.droppedBytes} bytes of output were dropped`
    case "_berth/question_expired":
      return "A question has expired; it can still be answered"
    default:
      return null
  }
}

function suffix(text: string | undefined): string {
  return text === undefined ? "" : `: ${text}`
}

function status(message: string): ChatEvent {
  return { type: "status", message }
}

function artifact(seq: number, params: NotificationParams<"_berth/artifact">): ChatEvent {
  const { path, url, type, hash, size, title, stage, index } = params
  return {
    type: "artifact",
    artifact: {
      path,
      url: url ?? "",
      type,
      hash,
      size,
      seq,
      ...(title === undefined ? {} : { title }),
      ...(stage === undefined ? {} : { stage }),
      ...(index === undefined ? {} : { index }),
    },
  }
}

function sessionOf(entry: Entry): string | null {
  if (entry.type === "notification") return entry.notification.params.sessionId
  return entry.type === "client_message" ? (entry.message.params.sessionId ?? null) : null
}
