import type { AcpUpdate, ChatEvent } from "@berth/protocol"
import { maxToolCalls, type ChatState, type Projection, type ToolCallState } from "./chat-state.ts"

type ToolUpdate = Extract<AcpUpdate, { sessionUpdate: "tool_call" | "tool_call_update" }>
type Subtype = Extract<ChatEvent, { type: "system" }>["subtype"]

const maxTitleLength = 200

/**
 * Pure. Each call is told in four steps, once each: start, call (with its input), result, done. An
 * update of a call that this turn did not start is not told.
 */
export function projectToolCall(state: ChatState, update: ToolUpdate): Projection {
  const { toolCallId } = update
  const known = state.toolCalls.get(toolCallId)
  if (known === undefined && update.sessionUpdate === "tool_call_update") return { state, events: [] }
  if (known?.isDone === true) return { state, events: [] }
  const call = known ?? { tool: toolName(update), isCalled: false, isDone: false }
  const events: ChatEvent[] = []
  const tell = (subtype: Subtype, data: Readonly<Record<string, unknown>>): void => {
    events.push({ type: "system", subtype, tool: call.tool, toolCallId, data })
  }
  if (known === undefined) tell("tool_start", pick(update, ["title", "kind", "locations"]))
  const isDone = update["status"] === "completed" || update["status"] === "failed"
  const isCalled = isDone || update["status"] === "in_progress" || hasInput(update["rawInput"])
  if (isCalled && !call.isCalled) tell("tool_call", pick(update, ["title", "kind", "rawInput"]))
  if (isDone) {
    tell("tool_result", pick(update, ["status", "content", "rawOutput"]))
    tell("tool_done", pick(update, ["status"]))
  }
  const next = { ...call, isCalled: call.isCalled || isCalled, isDone }
  return { state: remember(state, toolCallId, next), events }
}

/** Pure. What a turn's end leaves undone is told to its end, with the turn's outcome. */
export function closeToolCalls(state: ChatState, outcome: string): Projection {
  const events: ChatEvent[] = []
  for (const [toolCallId, { tool, isCalled, isDone }] of state.toolCalls) {
    if (isDone) continue
    const rest: readonly Subtype[] = isCalled
      ? ["tool_result", "tool_done"]
      : ["tool_call", "tool_result", "tool_done"]
    for (const subtype of rest)
      events.push({ type: "system", subtype, tool, toolCallId, data: { status: outcome } })
  }
  const close = (call: ToolCallState): ToolCallState => ({ ...call, isCalled: true, isDone: true })
  const toolCalls = new Map([...state.toolCalls].map(([id, call]) => [id, close(call)]))
  return { state: { ...state, toolCalls }, events }
}

function remember(state: ChatState, toolCallId: string, call: ToolCallState): ChatState {
  const toolCalls = new Map(state.toolCalls).set(toolCallId, call)
  if (toolCalls.size > maxToolCalls) {
    const [oldest] = toolCalls.keys()
    if (oldest !== undefined) toolCalls.delete(oldest)
  }
  return { ...state, toolCalls }
}

function toolName(update: ToolUpdate): string {
  const title = update["title"]
  return typeof title === "string" ? title.slice(0, maxTitleLength) : "tool"
}

/** Agents send `{}` first and the input when the model has written it. */
function hasInput(input: unknown): boolean {
  return typeof input === "object" && input !== null ? Object.keys(input).length > 0 : input !== undefined
}

function pick(update: ToolUpdate, names: readonly string[]): Readonly<Record<string, unknown>> {
  const fields: Readonly<Record<string, unknown>> = update
  return Object.fromEntries(
    names.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]),
  )
}
