import type { SessionUpdate, ToolCall } from "@agentclientprotocol/sdk"
import type { PastTurn } from "./conversation.ts"
import type { OutputStream, Piece } from "./output-pieces.ts"

const titleMax = 120

/** The tool call that a script is, before it ran. */
export function describeCall(toolCallId: string, script: string): ToolCall {
  return {
    toolCallId,
    title: titleOf(script),
    kind: "execute",
    status: "pending",
    rawInput: { command: script },
    content: [{ type: "content", content: { type: "text", text: script } }],
  }
}

function titleOf(script: string): string {
  const line = script.split("\n").find((text) => text.trim() !== "") ?? ""
  return line.length <= titleMax ? line.trim() : `${line.trim().slice(0, titleMax - 1)}…`
}

/**
 * Output as message text: chunks append, so each holds only what is new, and a viewer that knows
 * nothing of tools shows it. The tool call itself carries status and exit code, never the output
 * again. A new `messageId` begins wherever the stream changes; chunks of stderr say so in `_meta`.
 */
export function createOutputUpdates(toolCallId: string): (piece: Piece) => SessionUpdate {
  let message = 0
  let current: OutputStream | null = null
  return ({ stream, text }) => {
    if (stream !== current) message += 1
    current = stream
    return {
      sessionUpdate: "agent_message_chunk",
      messageId: `${toolCallId}/${message}`,
      content: { type: "text", text },
      ...(stream === "stderr" ? { _meta: { berth: { stream } } } : {}),
    }
  }
}

/** A past turn as `session/load` replays it. */
export function replayTurn(turn: PastTurn): readonly SessionUpdate[] {
  const showOutput = createOutputUpdates(turn.toolCallId)
  return [
    { sessionUpdate: "user_message_chunk", content: { type: "text", text: turn.script } },
    {
      sessionUpdate: "tool_call",
      ...describeCall(turn.toolCallId, turn.script),
      status: turn.status,
      rawOutput: { exitCode: turn.exitCode },
    },
    ...turn.output.map(showOutput),
  ]
}
