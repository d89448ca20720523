import type { ArtifactRecord } from "./responses.ts"
import type { QuestionOption } from "./question.ts"
import type { UsageNumbers } from "./notification.ts"

/** The chat projection (`?format=chat`): `sync-and-events.md`. One `data:` each; a pure function of the log. */
export type ChatEvent =
  | { readonly type: "session_init"; readonly sessionId: string }
  | { readonly type: "status"; readonly message: string }
  | { readonly type: "message_type_hint"; readonly messageType: ChatMessageType; readonly messageId: string }
  | { readonly type: "text_delta"; readonly text: string; readonly messageId: string }
  | {
      readonly type: "assistant_message"
      readonly messageType: ChatMessageType
      readonly text: string
      readonly messageId: string
      /** The text was longer than one event may be; its beginning is here, all of it was in the deltas. */
      readonly truncated?: true
    }
  | {
      readonly type: "system"
      readonly subtype: "tool_start" | "tool_call" | "tool_result" | "tool_done"
      readonly tool: string
      readonly toolCallId: string
      readonly data: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: "checkpoint"
      readonly checkpoint: ChatCheckpoint
      readonly sessionId: string
      readonly awaitingInput: boolean
    }
  | {
      readonly type: "permission_request"
      readonly questionId: string
      readonly toolCallId: string | null
      readonly message: string
      readonly options: readonly QuestionOption[]
      readonly expiresAt: string | null
    }
  | {
      readonly type: "permission_resolved"
      readonly questionId: string
      readonly optionId: string | null
      readonly by: string
    }
  | { readonly type: "artifact"; readonly artifact: Omit<ArtifactRecord, "created_at" | "content_type"> }
  | {
      readonly type: "complete"
      readonly sessionId: string
      readonly exitCode: number
      readonly outcome: string
      readonly checkpoint?: ChatCheckpoint
      readonly awaitingInput: boolean
      readonly usage: UsageNumbers
    }
  | { readonly type: "error"; readonly error: string; readonly code: string }
  | { readonly type: "done" }

export type ChatMessageType = "thinking" | "response"

export interface ChatCheckpoint {
  readonly id: string
  readonly stage: string | null
  /** The stage's, which is done when it stops for somebody. */
  readonly status: "complete"
  /** The checkpoint's own. */
  readonly state: "pending" | "approved" | "rejected" | "modified" | "answered" | "withdrawn"
  readonly artifact?: string
  readonly artifacts?: readonly string[]
  /** What there is to look at; `input` for a question without any. */
  readonly type: ChatCheckpointType
  readonly message: string
  readonly isFinal: boolean
}

export type ChatCheckpointType = "image" | "image-grid" | "video" | "video-grid" | "file" | "input"
