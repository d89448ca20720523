import type { IncomingMessage } from "node:http"
import { setTimeout as delay } from "node:timers/promises"
import { inPieces, readSteps, type Step } from "./model-script.ts"
import { startStandIn, type Answer, type Respond, type StandIn } from "./stand-in.ts"

/** The pace of a model, so that a turn lasts. */
const wordsAtOnce = 4
const pauseMs = 10

interface Block {
  readonly type: string
  readonly text?: string
  readonly content?: unknown
  readonly is_error?: boolean
}
interface Message {
  readonly role: string
  readonly content: string | readonly Block[]
}
interface MessagesRequest {
  readonly model: string
  readonly messages: readonly Message[]
  readonly tools?: readonly { readonly name: string }[]
  readonly stream?: boolean
}

/** The Messages API (platform.claude.com, "Messages"), as far as an agent uses it; `key` is the only one it takes. */
export function startAnthropicStandIn(options: {
  readonly key: string
  readonly socketPath?: string
}): Promise<StandIn> {
  return startStandIn({
    ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
    route: (method, path) => {
      const inner = path.replace(/^\/anthropic/, "")
      if (method === "POST" && inner === "/v1/messages") return respond
      if (method === "POST" && inner === "/v1/messages/count_tokens") return countTokens
      if (method === "GET" && inner === "/v1/models") return listModels
      return method === "HEAD" && inner === "/" ? empty : null
    },
    promptOf: (body) => (isMessagesRequest(body) ? newestPrompt(body.messages) : ""),
    fault: (request, body) => checkRequest(request, body, options.key),
  })
}

function checkRequest(
  request: IncomingMessage,
  body: Readonly<Record<string, unknown>>,
  key: string,
): string | null {
  if (request.method !== "POST") return null
  const { headers } = request
  const sent = headers["x-api-key"] ?? headers.authorization?.replace(/^Bearer /, "")
  if (sent !== key) return `wrong key: ${String(sent)}`
  if (headers["anthropic-version"] !== "2023-06-01") return "anthropic-version is missing"
  if (!isMessagesRequest(body)) return "model and messages are required"
  if (typeof body["max_tokens"] !== "number" && request.url?.includes("count_tokens") !== true)
    return "max_tokens is required"
  const roles = body.messages.map((message) => message.role)
  if (roles[0] !== "user") return `the first message is of ${roles[0]}`
  return roles.every((role) => role === "user" || role === "assistant" || role === "system")
    ? null
    : `roles: ${roles.join()}`
}

function isMessagesRequest(body: object): body is MessagesRequest & Record<string, unknown> {
  return (
    "model" in body && typeof body.model === "string" && "messages" in body && Array.isArray(body.messages)
  )
}

const respond: Respond = async ({ body }, answer) => {
  if (!isMessagesRequest(body)) return
  const steps = stepsOf(body)
  const failure = steps.find((step) => step.kind === "error")
  if (failure !== undefined) {
    const type = { 400: "invalid_request_error", 401: "authentication_error", 529: "overloaded_error" }[
      failure.status
    ]
    answer.json(failure.status, {
      type: "error",
      error: { type: type ?? "api_error", message: `scripted ${failure.status}` },
    })
    return
  }
  if (body.stream !== true && steps.some((step) => step.kind === "cut")) return answer.cut()
  if (body.stream !== true) {
    answer.json(200, {
      ...messageShell(body.model),
      content: [{ type: "text", text: "aside" }],
      stop_reason: "end_turn",
    })
    return
  }
  await streamSteps(steps, body, answer)
}

async function streamSteps(steps: readonly Step[], body: MessagesRequest, answer: Answer): Promise<void> {
  answer.event("message_start", {
    type: "message_start",
    message: { ...messageShell(body.model), content: [], stop_reason: null },
  })
  let index = 0
  let stopReason = "end_turn"
  const block = (start: object, deltas: readonly object[]): void => {
    answer.event("content_block_start", { type: "content_block_start", index, content_block: start })
    for (const delta of deltas)
      answer.event("content_block_delta", { type: "content_block_delta", index, delta })
    answer.event("content_block_stop", { type: "content_block_stop", index })
    index += 1
  }
  const say = (text: string): void =>
    block(
      { type: "text", text: "" },
      inPieces(text).map((piece) => ({ type: "text_delta", text: piece })),
    )
  const useTool = (name: string, input: object): void => {
    const id = `toolu_${Math.random().toString(36).slice(2, 12)}`
    block({ type: "tool_use", id, name, input: {} }, [
      { type: "input_json_delta", partial_json: JSON.stringify(input) },
    ])
    stopReason = "tool_use"
  }
  const stream = async (count: number): Promise<void> => {
    const content_block = { type: "text", text: "" }
    answer.event("content_block_start", { type: "content_block_start", index, content_block })
    for (let word = 1; word <= count; word += 1) {
      const delta = { type: "text_delta", text: `w${word} ` }
      answer.event("content_block_delta", { type: "content_block_delta", index, delta })
      if (word % wordsAtOnce === 0) await delay(pauseMs)
    }
    answer.event("content_block_stop", { type: "content_block_stop", index })
    index += 1
  }
  for (const step of steps) {
    if (step.kind === "say") say(step.text)
    if (step.kind === "stream") await stream(step.count)
    if (step.kind === "recall") say(`I remember: ${firstPrompt(body.messages)}`)
    if (step.kind === "think") {
      const deltas = inPieces(step.text).map((thinking) => ({ type: "thinking_delta", thinking }))
      block({ type: "thinking", thinking: "", signature: "" }, [
        ...deltas,
        { type: "signature_delta", signature: "c2ln" },
      ])
    }
    if (step.kind === "run") useTool("Bash", { command: step.text, description: "as scripted" })
    if (step.kind === "write") useTool("Write", { file_path: step.text, content: "written\n" })
    if (step.kind === "wait") await answer.released()
    if (step.kind === "cut") {
      answer.event("content_block_start", {
        type: "content_block_start",
        index,
        content_block: { type: "text", text: "" },
      })
      for (const text of inPieces(step.text)) {
        answer.event("content_block_delta", {
          type: "content_block_delta",
          index,
          delta: { type: "text_delta", text },
        })
      }
      await new Promise((resolve) => answer.response.write("", resolve))
      answer.cut()
      return
    }
  }
  answer.event("message_delta", {
    type: "message_delta",
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: { output_tokens: 7 },
  })
  answer.event("message_stop", { type: "message_stop" })
}

/** After a tool the model says what the tool said; otherwise it does what the newest prompt asks. */
function stepsOf(body: MessagesRequest): readonly Step[] {
  const last = body.messages.findLast((message) => message.role === "user")
  const results = blocksOf(last).filter((block) => block.type === "tool_result")
  if (results.length > 0 && askedBeside(last) === null) {
    const texts = results.map(
      (block) => `${block.is_error === true ? "refused" : "result"}: ${textOf(block.content)}`,
    )
    return [{ kind: "say", text: `The tool said ${texts.join("; ").trim()}` }]
  }
  const steps = readSteps(newestPrompt(body.messages))
  return steps.length > 0 ? steps : [{ kind: "say", text: "aside" }]
}

/** The newest text of the user's that is no tool's result. */
function newestPrompt(messages: readonly Message[]): string {
  const message = messages.findLast(
    (candidate) =>
      candidate.role === "user" &&
      (askedBeside(candidate) !== null || !blocksOf(candidate).some((block) => block.type === "tool_result")),
  )
  // Prompts that failed stay in front of it, in the same message.
  const text = blocksOf(message)
    .map(ownText)
    .findLast((words) => words.trim() !== "")
  return askedBeside(message) ?? text ?? ""
}

/** A prompt in one message with a tool's result: that turn was cancelled. */
function askedBeside(message: Message | undefined): string | null {
  const blocks = blocksOf(message)
  if (!blocks.some((block) => block.type === "tool_result")) return null
  return blocks.map(ownText).findLast((text) => readSteps(text).length > 0) ?? null
}

function firstPrompt(messages: readonly Message[]): string {
  const words = messages.flatMap(blocksOf).map(ownText).join("\n")
  return readSteps(words).flatMap((step) => (step.kind === "say" ? [step.text] : []))[0] ?? "nothing"
}

/** Without what the agent adds by itself. */
function ownText(block: Block): string {
  return block.type === "text"
    ? (block.text ?? "").replaceAll(/<system-reminder>[\s\S]*?<\/system-reminder>/g, "")
    : ""
}

function blocksOf(message: Message | undefined): readonly Block[] {
  if (message === undefined) return []
  return typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content
  if (!Array.isArray(content)) return ""
  return content.map((block: Block) => block.text ?? "").join("")
}

const countTokens: Respond = (_request, answer) => Promise.resolve(answer.json(200, { input_tokens: 10 }))
const listModels: Respond = (_request, answer) =>
  Promise.resolve(answer.json(200, { data: [], has_more: false }))
const empty: Respond = (_request, answer) => Promise.resolve(void answer.response.writeHead(200).end())

function messageShell(model: string): object {
  return {
    id: `msg_${Math.random().toString(36).slice(2, 12)}`,
    type: "message",
    role: "assistant",
    model,
    stop_sequence: null,
    usage: { input_tokens: 11, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  }
}
