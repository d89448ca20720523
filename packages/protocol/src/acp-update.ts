import { z } from "zod"

/**
 * The `session/update` payload of ACP v1 (https://agentclientprotocol.com/protocol/schema). The kind
 * is checked; the rest is passed on as the agent sent it, because ACP allows `_meta` and additions.
 */
export const acpUpdateKinds = [
  "user_message_chunk",
  "agent_message_chunk",
  "agent_thought_chunk",
  "tool_call",
  "tool_call_update",
  "plan",
  "available_commands_update",
  "current_mode_update",
  "config_option_update",
  "session_info_update",
  "usage_update",
  "notice",
  "compaction_update",
  "compaction_summary_chunk",
] as const

const content = z.looseObject({ type: z.string() })
const toolCall = { toolCallId: z.string().max(1024) }

export const acpUpdate = z.discriminatedUnion("sessionUpdate", [
  z.looseObject({ sessionUpdate: z.literal("user_message_chunk"), content }),
  z.looseObject({ sessionUpdate: z.literal("agent_message_chunk"), content }),
  z.looseObject({ sessionUpdate: z.literal("agent_thought_chunk"), content }),
  z.looseObject({ sessionUpdate: z.literal("tool_call"), ...toolCall, title: z.string() }),
  z.looseObject({ sessionUpdate: z.literal("tool_call_update"), ...toolCall }),
  z.looseObject({ sessionUpdate: z.literal("plan"), entries: z.array(z.unknown()) }),
  z.looseObject({ sessionUpdate: z.literal("available_commands_update") }),
  z.looseObject({ sessionUpdate: z.literal("current_mode_update") }),
  z.looseObject({ sessionUpdate: z.literal("config_option_update") }),
  z.looseObject({ sessionUpdate: z.literal("session_info_update") }),
  z.looseObject({ sessionUpdate: z.literal("usage_update") }),
  z.looseObject({ sessionUpdate: z.literal("notice") }),
  z.looseObject({ sessionUpdate: z.literal("compaction_update") }),
  z.looseObject({ sessionUpdate: z.literal("compaction_summary_chunk") }),
])

export type AcpUpdate = z.infer<typeof acpUpdate>
