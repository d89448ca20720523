import type { ChatEvent, NotificationParams } from "@berth/protocol"
import { closeMessage } from "./project-message.ts"
import { closeToolCalls } from "./project-tool-call.ts"
import type { ChatState, Projection } from "./chat-state.ts"

/** Pure. All that is open is closed, then `complete` and `done`, which end a simple client's reading. */
export function projectTurnEnd(
  state: ChatState,
  params: NotificationParams<"_berth/turn_ended">,
): Projection {
  const { sessionId, outcome, error } = params
  const message = closeMessage(state)
  const tools = closeToolCalls(message.state, outcome)
  const { checkpoint, usage } = tools.state
  const failure: readonly ChatEvent[] =
    outcome === "completed" || outcome === "cancelled"
      ? []
      : [{ type: "error", error: error ?? `The turn ended ${outcome}.`, code: `turn_${outcome}` }]
  const complete: ChatEvent = {
    type: "complete",
    sessionId,
    exitCode: outcome === "completed" ? 0 : 1,
    outcome,
    ...(checkpoint === null ? {} : { checkpoint }),
    awaitingInput: checkpoint !== null && !checkpoint.isFinal,
    usage,
  }
  const events = [...message.events, ...tools.events, ...failure, complete, { type: "done" } as const]
  return { state: tools.state, events }
}
