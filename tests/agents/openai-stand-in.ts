import type { IncomingMessage } from "node:http"
import { inPieces, readSteps, type Step } from "./model-script.ts"
import { startStandIn, type Answer, type Respond, type StandIn } from "./stand-in.ts"

interface Item {
  readonly type?: string
  readonly role?: string
  readonly content?: string | readonly { readonly type: string; readonly text?: string }[]
  readonly output?: unknown
  /** Of `additional_tools`. */
  readonly tools?: readonly { readonly name: string; readonly tools?: readonly { readonly name: string }[] }[]
}
interface ResponsesRequest {
  readonly model: string
  readonly input: readonly Item[]
  readonly tools?: readonly { readonly type: string; readonly name?: string }[]
  readonly stream?: boolean
}

/** The Responses API (developers.openai.com, "Responses"), as far as an agent uses it; `key` is the only one it takes. */
export function startOpenaiStandIn(options: {
  readonly key: string
  readonly socketPath?: string
}): Promise<StandIn> {
  return startStandIn({
    ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
    route: (method, path) => {
      const inner = path.replace(/^\/openai/, "")
      if (method === "POST" && inner === "/v1/responses") return respond
      return method === "GET" && inner === "/v1/models" ? listModels : null
    },
    promptOf: (body) => (isResponsesRequest(body) ? newestPrompt(body.input) : ""),
    fault: (request, body) => checkRequest(request, body, options.key),
  })
}

function checkRequest(
  request: IncomingMessage,
  body: Readonly<Record<string, unknown>>,
  key: string,
): string | null {
  if (request.method !== "POST") return null
  const { authorization } = request.headers
  if (authorization !== `Bearer ${key}`) return `wrong key: ${authorization}`
  if (!isResponsesRequest(body)) return "model and input are required"
  return body.stream === true ? null : "only streams are scripted"
}

function isResponsesRequest(body: object): body is ResponsesRequest & Record<string, unknown> {
  return "model" in body && typeof body.model === "string" && "input" in body && Array.isArray(body.input)
}

const respond: Respond = async ({ body }, answer) => {
  if (!isResponsesRequest(body)) return
  const steps = stepsOf(body)
  const failure = steps.find((step) => step.kind === "error")
  if (failure !== undefined) {
    const message = `scripted ${failure.status}`
    answer.json(failure.status, { error: { message, type: "scripted_error", code: null, param: null } })
    return
  }
  await streamSteps(steps, body, answer)
}

async function streamSteps(steps: readonly Step[], body: ResponsesRequest, answer: Answer): Promise<void> {
  const id = newId("resp")
  let sequence = 0
  const emit = (type: string, data: object): void => {
    answer.event(type, { type, sequence_number: sequence, ...data })
    sequence += 1
  }
  const output: object[] = []
  const shell = (status: string): object => ({
    id,
    object: "response",
    status,
    model: body.model,
    output,
    error: null,
  })
  const finish = (item: object): void => {
    emit("response.output_item.done", { output_index: output.length, item })
    output.push(item)
  }
  const stream = (kind: "message" | "reasoning", text: string): object => {
    const itemId = newId(kind === "message" ? "msg" : "rs")
    const start =
      kind === "message"
        ? { type: "message", id: itemId, role: "assistant", status: "in_progress", content: [] }
        : { type: "reasoning", id: itemId, summary: [] }
    const at = { item_id: itemId, output_index: output.length }
    emit("response.output_item.added", { output_index: output.length, item: start })
    const part =
      kind === "message"
        ? { type: "output_text", text: "", annotations: [] }
        : { type: "summary_text", text: "" }
    if (kind === "message") emit("response.content_part.added", { ...at, content_index: 0, part })
    else emit("response.reasoning_summary_part.added", { ...at, summary_index: 0, part })
    for (const delta of inPieces(text)) {
      if (kind === "message") emit("response.output_text.delta", { ...at, content_index: 0, delta })
      else emit("response.reasoning_summary_text.delta", { ...at, summary_index: 0, delta })
    }
    return kind === "message"
      ? { ...start, status: "completed", content: [{ type: "output_text", text, annotations: [] }] }
      : { ...start, summary: [{ type: "summary_text", text }] }
  }
  emit("response.created", { response: shell("in_progress") })
  for (const step of steps) {
    if (step.kind === "say") finish(stream("message", step.text))
    if (step.kind === "think") finish(stream("reasoning", step.text))
    if (step.kind === "recall") finish(stream("message", `I remember: ${firstPrompt(body.input)}`))
    if (step.kind === "run") finish(runTool(step.text, body))
    if (step.kind === "wait") await answer.released()
    if (step.kind === "cut") {
      stream("message", step.text)
      await new Promise((resolve) => answer.response.write("", resolve))
      answer.cut()
      return
    }
  }
  const usage = {
    input_tokens: 11,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 18,
  }
  emit("response.completed", { response: { ...shell("completed"), usage } })
}

/** With whichever of its tools the agent lets the model run commands: by JavaScript, or directly. */
function runTool(command: string, body: ResponsesRequest): object {
  const call = { call_id: newId("call"), status: "completed" }
  const namespaces = body.input.flatMap((item) =>
    item.type === "additional_tools" ? (item.tools ?? []) : [],
  )
  const byCode = namespaces.find(
    (namespace) => namespace.tools?.some((tool) => tool.name === "exec") === true,
  )
  if (byCode !== undefined) {
    const request = { cmd: command, sandbox_permissions: "require_escalated", justification: "as scripted" }
    const input = `const result = await tools.exec_command(${JSON.stringify(request)}); text(result.output)`
    return {
      ...call,
      type: "custom_tool_call",
      id: newId("ctc"),
      namespace: byCode.name,
      name: "exec",
      input,
    }
  }
  const direct = { ...call, type: "function_call", id: newId("fc") }
  const names = (body.tools ?? []).map((tool) => tool.name)
  if (names.includes("exec_command"))
    return { ...direct, name: "exec_command", arguments: JSON.stringify({ cmd: command }) }
  const name = names.includes("shell_command") ? "shell_command" : "shell"
  const input = name === "shell_command" ? command : ["bash", "-lc", command]
  return { ...direct, name, arguments: JSON.stringify({ command: input }) }
}

/** After a tool the model says what the tool said; otherwise it does what the newest prompt asks. */
function stepsOf(body: ResponsesRequest): readonly Step[] {
  const last = body.input.at(-1)
  if (last?.type === "function_call_output" || last?.type === "custom_tool_call_output") {
    return [{ kind: "say", text: `The tool said ${outputText(last.output).trim()}` }]
  }
  const steps = readSteps(newestPrompt(body.input))
  return steps.length > 0 ? steps : [{ kind: "say", text: "aside" }]
}

function newestPrompt(input: readonly Item[]): string {
  return (
    input
      .filter((item) => item.role === "user")
      .map(textOf)
      .findLast((text) => text.trim() !== "") ?? ""
  )
}

function firstPrompt(input: readonly Item[]): string {
  const words = input
    .filter((item) => item.role === "user")
    .map(textOf)
    .join("\n")
  return readSteps(words).flatMap((step) => (step.kind === "say" ? [step.text] : []))[0] ?? "nothing"
}

function textOf(item: Item): string {
  return typeof item.content === "string"
    ? item.content
    : (item.content ?? []).map((part) => part.text ?? "").join("\n")
}

function outputText(output: unknown): string {
  if (typeof output === "string") return output
  return JSON.stringify(output)
}

const listModels: Respond = (_request, answer) =>
  Promise.resolve(answer.json(200, { object: "list", data: [] }))

function newId(prefix: string): string {
  return `${prefix}_${Math.random().toString(36).slice(2, 12)}`
}
