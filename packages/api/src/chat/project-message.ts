import type { AcpUpdate, ChatEvent, ChatMessageType } from "@berth/protocol"
import { maxMessageLength, type ChatState, type OpenMessage, type Projection } from "./chat-state.ts"

type Chunk = Extract<AcpUpdate, { sessionUpdate: "agent_message_chunk" | "agent_thought_chunk" }>

/** Pure. A piece of a message or a thought. The first of its kind in a row opens a message. */
export function projectChunk(state: ChatState, seq: number, update: Chunk): Projection {
  const messageType = update.sessionUpdate === "agent_message_chunk" ? "response" : "thinking"
  const text = textOf(update.content)
  if (text === null) {
    const { type } = update.content
    return {
      state,
      events: [{ type: "status", message: `The agent sent content of type ${type.slice(0, 64)}.` }],
    }
  }
  if (state.message?.messageType === messageType) return addText(state, state.message, text, [])
  const closed = closeMessage(state)
  const message = { messageId: `msg-${seq}`, messageType, text: "", isTruncated: false } as const
  return addText(closed.state, message, text, [...closed.events, hint(message.messageId, messageType)])
}

/** Pure. Says the whole of the message that was open, if one was. */
export function closeMessage(state: ChatState): Projection {
  const { message } = state
  if (message === null) return { state, events: [] }
  const { messageType, text, messageId, isTruncated } = message
  const whole: ChatEvent = {
    type: "assistant_message",
    messageType,
    text,
    messageId,
    ...(isTruncated ? { truncated: true } : {}),
  }
  return { state: { ...state, message: null }, events: [whole] }
}

function addText(
  state: ChatState,
  message: OpenMessage,
  text: string,
  before: readonly ChatEvent[],
): Projection {
  const room = maxMessageLength - message.text.length
  const next = {
    ...message,
    text: room > 0 ? message.text + text.slice(0, room) : message.text,
    isTruncated: message.isTruncated || text.length > room,
  }
  const delta: ChatEvent = { type: "text_delta", text, messageId: message.messageId }
  return { state: { ...state, message: next }, events: [...before, delta] }
}

function hint(messageId: string, messageType: ChatMessageType): ChatEvent {
  return { type: "message_type_hint", messageType, messageId }
}

function textOf(content: Chunk["content"]): string | null {
  const { type, text } = content
  if (type === "text" && typeof text === "string") return text
  const { uri, name } = content
  if (type !== "resource_link" || typeof uri !== "string") return null
  return `[${typeof name === "string" ? name : uri}](${uri})`
}
