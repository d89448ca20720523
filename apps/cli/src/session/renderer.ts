import type { AcpUpdate, Notification } from "@berth/protocol"
import { neutraliseLine } from "../terminal/neutralise.ts"
import type { Style, Terminal } from "../terminal/terminal.ts"
import { contentText, isRecord, toolText, updateTool, type ToolView } from "./describe-update.ts"
import type { WireEntry } from "./wire-entry.ts"

/** Shows entries to a person, as they come. */
export interface Renderer {
  /** `text` is the entry as it came. */
  show(entry: WireEntry, text: string): void
  /** A line of our own, below whatever is being streamed. */
  say(text: string, style?: Style): void
  /** Ends the line that is being streamed. */
  breakLine(): void
}

export interface RendererOptions {
  /** Prompts are shown unless they are one's own. */
  readonly isOwnKey: (key: string) => boolean
  /** Says when a turn is over, for a reader who stays. */
  readonly showsTurnEnds?: boolean
}

type Stream = "text" | "thought"

const signs: Record<NonNullable<ToolView["status"]>, readonly [sign: string, style: Style]> = {
  pending: ["○", "dim"],
  in_progress: ["●", "plain"],
  completed: ["✓", "good"],
  failed: ["✗", "bad"],
}

export function createRenderer(terminal: Terminal, options: RendererOptions): Renderer {
  let streaming: Stream | null = null
  let isLineOpen = false
  const tools = new Map<string, ToolView>()

  const breakLine = (): void => {
    // The open line is on stdout or on stderr; its end belongs there too.
    if (isLineOpen && streaming === "text") terminal.write("\n")
    if (isLineOpen && streaming === "thought") terminal.note("\n")
    isLineOpen = false
    streaming = null
  }
  const say: Renderer["say"] = (text, style = "dim") => {
    breakLine()
    terminal.note(`${text}\n`, style)
  }
  const stream = (kind: Stream, text: string): void => {
    if (text === "") return
    if (streaming !== kind) breakLine()
    streaming = kind
    if (kind === "text") terminal.write(text)
    else terminal.note(text, "dim")
    isLineOpen = !text.endsWith("\n")
  }

  const showTool = (update: Extract<AcpUpdate, { toolCallId: string }>): void => {
    const before = tools.get(update.toolCallId)
    const tool = updateTool(before, update)
    tools.set(update.toolCallId, tool)
    if (tool.status !== before?.status || tool.title !== before.title) {
      const [sign, style] = signs[tool.status ?? "pending"]
      const result = tool.result === "" ? "" : ` (${neutraliseLine(tool.result, 100)})`
      say(`${sign} ${neutraliseLine(tool.title)}${result}`, style)
    }
    const isOutput = update.sessionUpdate === "tool_call_update" && tool.status !== "pending"
    const text = isOutput ? toolText("content" in update ? update["content"] : null).trim() : ""
    if (text !== "") say(indent(text))
  }

  const showUpdate = (update: AcpUpdate): void => {
    switch (update.sessionUpdate) {
      case "agent_message_chunk":
        stream("text", contentText(update.content))
        break
      case "agent_thought_chunk":
        stream("thought", contentText(update.content))
        break
      case "tool_call":
      case "tool_call_update":
        showTool(update)
        break
      case "plan":
        say(update.entries.map(planLine).join("\n"))
        break
      default:
        // Commands, modes and options of the agent, and the prompt said again: nothing to read along.
        break
    }
  }

  const showPrompt = (params: unknown, key: string): void => {
    if (options.isOwnKey(key) || !isRecord(params) || !Array.isArray(params["prompt"])) return
    say(`> ${params["prompt"].map(contentText).join("\n> ")}`, "bold")
  }

  return {
    say,
    breakLine,
    show(entry) {
      switch (entry.type) {
        case "notification": {
          if (entry.notification.method === "session/update") showUpdate(entry.notification.params.update)
          else for (const [text, style] of describeNotification(entry.notification)) say(text, style)
          if (isCompleted(entry.notification) && options.showsTurnEnds === true) say("turn completed")
          break
        }
        case "client_message":
          if (entry.method === "session/prompt") showPrompt(entry.params, entry.key)
          if (entry.method === "session/cancel") say("cancel asked for")
          break
        case "spilled":
          say(`[${neutraliseLine(entry.method)}: ${entry.size} bytes, too large to show here]`)
          break
        case "unknown":
          say(`[${neutraliseLine(entry.method)}]`)
          break
      }
    },
  }
}

/** What there is to say of everything but updates; questions are the asker's. */
function describeNotification(
  notification: Notification,
): readonly (readonly [text: string, style: Style])[] {
  switch (notification.method) {
    case "_berth/session_state": {
      const { status, detail } = notification.params
      return detail === undefined ? [] : [[`session ${status}: ${detail}`, "bad"]]
    }
    case "_berth/sandbox": {
      const { state, generation, isolation, reason } = notification.params
      const how = isolation === undefined ? "" : ` (${isolation.level})`
      const why = reason === undefined ? "" : `: ${reason}`
      return [[`sandbox ${generation} ${state}${how}${why}`, state === "lost" ? "bad" : "dim"]]
    }
    case "_berth/agent_state": {
      const { state, detail } = notification.params
      return detail === undefined ? [] : [[`agent ${state}: ${detail}`, "dim"]]
    }
    case "_berth/setup": {
      const { status, step, output } = notification.params
      return [[["setup", status, step, output].filter((part) => part !== undefined).join(" "), "dim"]]
    }
    case "_berth/turn_ended": {
      const { outcome, error } = notification.params
      const why = error === undefined ? "" : `: ${error}`
      return outcome === "completed"
        ? []
        : [[`turn ${outcome}${why}`, outcome === "cancelled" ? "plain" : "bad"]]
    }
    case "_berth/command_state": {
      const { state, reason } = notification.params
      return state === "declined" ? [[`declined: ${reason ?? "no reason given"}`, "bad"]] : []
    }
    case "_berth/run_output":
      return [[indent(notification.params.text.trimEnd()), "dim"]]
    case "_berth/artifact":
      return [[`artifact ${notification.params.path} (${notification.params.type})`, "good"]]
    case "_berth/file_conflict":
      return [[`conflict: ${notification.params.path}, kept beside as ${notification.params.beside}`, "bad"]]
    case "_berth/budget":
      return notification.params.state === "exhausted" ? [["the budget is spent", "bad"]] : []
    case "_berth/model_stream_cut":
      return [[`the model's stream was cut: ${notification.params.reason}`, "bad"]]
    case "_berth/output_truncated":
      return [
        [`${notification.params.source}: ${notification.params.droppedBytes} bytes were dropped`, "bad"],
      ]
    case "_berth/salvage":
      return [
        [
          `${notification.params.entries} late entries of sandbox ${notification.params.generation} kept`,
          "dim",
        ],
      ]
    case "_berth/error":
      return [[`error: ${notification.params.message}`, "bad"]]
    default:
      return []
  }
}

function isCompleted({ method, params }: Notification): boolean {
  return method === "_berth/turn_ended" && params.outcome === "completed"
}

function planLine(entry: unknown): string {
  if (!isRecord(entry)) return ""
  return `${entry["status"] === "completed" ? "✓" : "·"} ${neutraliseLine(String(entry["content"]))}`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ")
}
