import type { Answer, ChatCheckpoint, ChatCheckpointType, NotificationParams } from "@berth/protocol"
import { closeMessage } from "./project-message.ts"
import type { ChatState, Projection } from "./chat-state.ts"

/** Pure. A question: a permission request, or a checkpoint, which the end of its turn repeats. */
export function projectQuestion(state: ChatState, params: NotificationParams<"_berth/question">): Projection {
  const closed = closeMessage(state)
  const { sessionId, questionId, kind, message, options, expiresAt, toolCall } = params
  if (kind === "permission") {
    const toolCallId = toolCall?.toolCallId ?? null
    const request = {
      type: "permission_request",
      questionId,
      toolCallId,
      message,
      options,
      expiresAt,
    } as const
    return { state: closed.state, events: [...closed.events, request] }
  }
  const [artifact] = params.artifacts ?? []
  const artifacts = params.artifacts ?? []
  const checkpoint: ChatCheckpoint = {
    id: questionId,
    stage: params.stage ?? null,
    status: "complete",
    state: "pending",
    ...(artifact !== undefined && artifacts.length === 1 ? { artifact } : {}),
    ...(artifacts.length > 1 ? { artifacts } : {}),
    type: checkpointType(artifacts),
    message,
    isFinal: params.isFinal ?? false,
  }
  // What is final waits for nobody.
  const awaitingInput = !checkpoint.isFinal
  const event = { type: "checkpoint", checkpoint, sessionId, awaitingInput } as const
  return { state: { ...closed.state, checkpoint }, events: [...closed.events, event] }
}

/** Pure. Its end. The entry says what was asked, so that the question need not have been read. */
export function projectResolution(
  state: ChatState,
  params: NotificationParams<"_berth/question_resolved">,
): Projection {
  const { sessionId, questionId, answer, by, kind } = params
  const open = state.checkpoint?.id === questionId ? state.checkpoint : null
  if (open === null && (kind === undefined || kind === "permission")) {
    const optionId = answer?.optionId ?? null
    return { state, events: [{ type: "permission_resolved", questionId, optionId, by }] }
  }
  const unseen = {
    id: questionId,
    stage: null,
    status: "complete",
    type: "input",
    message: params.message ?? "",
    isFinal: false,
  } as const
  const checkpoint: ChatCheckpoint = { ...(open ?? unseen), state: stateOf(answer) }
  const rest = open === null ? state : { ...state, checkpoint: null }
  return { state: rest, events: [{ type: "checkpoint", checkpoint, sessionId, awaitingInput: false }] }
}

function stateOf(answer: Answer | null): ChatCheckpoint["state"] {
  switch (answer?.action) {
    case "approve":
      return "approved"
    case "reject":
      return "rejected"
    case "modify":
      return "modified"
    case undefined:
      return answer === null ? "withdrawn" : "answered"
  }
}

function checkpointType(paths: readonly string[]): ChatCheckpointType {
  if (paths.length === 0) return "input"
  const isGrid = paths.length > 1
  if (paths.every((path) => /\.(png|jpe?g|webp|gif)$/i.test(path))) return isGrid ? "image-grid" : "image"
  if (paths.every((path) => /\.(mp4|webm|mov)$/i.test(path))) return isGrid ? "video-grid" : "video"
  return "file"
}
