import type { UsageTotals } from "@berth/core"
import type { ChatCheckpoint, ChatEvent, ChatMessageType } from "@berth/protocol"

/** What the projection remembers of the turn it is in. Bounded, whatever the agent sends. */
export interface ChatState {
  /** The message whose text is coming in. */
  readonly message: OpenMessage | null
  /** Tool calls of this turn by id, oldest first. */
  readonly toolCalls: ReadonlyMap<string, ToolCallState>
  /** The newest question of this turn that waits for an answer beyond it. */
  readonly checkpoint: ChatCheckpoint | null
  readonly usage: UsageTotals
}

export interface OpenMessage {
  readonly messageId: string
  readonly messageType: ChatMessageType
  /** Its beginning, up to `maxMessageLength`. */
  readonly text: string
  readonly isTruncated: boolean
}

export interface ToolCallState {
  readonly tool: string
  readonly isCalled: boolean
  readonly isDone: boolean
}

export interface Projection {
  readonly state: ChatState
  readonly events: readonly ChatEvent[]
}

/** UTF-16 units of one message that `assistant_message` repeats. */
export const maxMessageLength = 262_144
/** Tool calls kept in mind per turn; the oldest are forgotten, and what comes of them is not told. */
export const maxToolCalls = 1_000

export function createChatState(): ChatState {
  const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, usd: 0 }
  return { message: null, toolCalls: new Map(), checkpoint: null, usage }
}
