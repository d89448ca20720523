import {
  clientMethods,
  commandParams,
  isCommandMethod,
  methodAliases,
  type Command,
  type CommandMethod,
} from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"

/** JSON-RPC 2.0, section 5.1. */
const invalidRequest = -32600
const methodNotFound = -32601
const invalidParams = -32602

/**
 * Pure. A client's JSON-RPC message as a command of the session; other names for methods and the
 * ancestors' shapes become ours. Throws `bad_request`, `unknown_method` or `bad_params`, each with
 * `details.rpc_code`, and with `details.path` where a value is at fault.
 */
export function parseCommand(message: unknown, sessionId: string): Command {
  if (!isRecord(message)) {
    throw rpcError("bad_request", "Send one JSON-RPC object with a method.", invalidRequest)
  }
  const { jsonrpc, id, method } = message
  if (jsonrpc !== undefined && jsonrpc !== "2.0") {
    throw rpcError("bad_request", 'Set jsonrpc to "2.0", or leave it out.', invalidRequest, "jsonrpc")
  }
  if (typeof method !== "string") {
    throw rpcError("bad_request", "Name the method as a string.", invalidRequest, "method")
  }
  const name = resolveMethod(method)
  const params = checkParams(name, normalizeParams(name, message["params"]), sessionId)
  const command = { jsonrpc: "2.0", method: name, params: { ...params, sessionId } }
  return (id === undefined ? command : { ...command, id: checkId(id) }) as Command
}

function resolveMethod(method: string): CommandMethod {
  const name = Object.hasOwn(methodAliases, method) ? (methodAliases[method] ?? method) : method
  if (isCommandMethod(name) && clientMethods.includes(name)) return name
  throw rpcError(
    "unknown_method",
    `There is no method ${method.slice(0, 100)}. Use one of ${clientMethods.join(", ")}.`,
    methodNotFound,
    "method",
  )
}

function checkParams(
  method: CommandMethod,
  params: unknown,
  sessionId: string,
): Readonly<Record<string, unknown>> {
  const checked = commandParams[method].safeParse(params ?? {})
  if (!checked.success) {
    const [issue] = checked.error.issues
    const path = ["params", ...(issue?.path ?? [])].map(String).join(".")
    throw rpcError("bad_params", `${path}: ${issue?.message ?? "is not valid"}.`, invalidParams, path)
  }
  const named = checked.data.sessionId
  if (named !== undefined && named !== sessionId) {
    const path = "params.sessionId"
    throw rpcError("bad_params", `${path} names another session than the path.`, invalidParams, path)
  }
  return checked.data
}

/** `content` is the ancestors' name for a prompt; a plain text stands for one text block. */
function normalizeParams(method: CommandMethod, params: unknown): unknown {
  if (method !== "session/prompt" || !isRecord(params)) return params
  const { content, ...rest } = params
  const prompt = rest["prompt"] ?? content
  return { ...rest, prompt: typeof prompt === "string" ? textPrompt(prompt) : prompt }
}

/** A text as the content of a prompt. */
export function textPrompt(text: string): readonly { readonly type: "text"; readonly text: string }[] {
  return [{ type: "text", text }]
}

function checkId(id: unknown): string | number | null {
  const isValid = id === null || typeof id === "number" || (typeof id === "string" && id.length <= 256)
  if (isValid) return id
  throw rpcError("bad_request", "Make id a string, a number or null.", invalidRequest, "id")
}

function rpcError(
  code: "bad_request" | "unknown_method" | "bad_params",
  message: string,
  rpcCode: number,
  path?: string,
): AppError {
  const details = path === undefined ? { rpc_code: rpcCode } : { rpc_code: rpcCode, path }
  return new AppError(code, message, { details })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
