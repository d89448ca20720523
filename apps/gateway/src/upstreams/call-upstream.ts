import type { IncomingHttpHeaders, ServerResponse } from "node:http"
import type { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { isAppError } from "@berth/core"
import type { Dispatcher } from "undici"
import { gatewayLimits } from "../gateway-limits.ts"
import { sandboxResponseHeaders } from "./forward-headers.ts"
import { createSecretMask, maskText } from "./mask-secret.ts"

/** How a call ended, for the books. */
export type CallEnd =
  /** Nothing reached the upstream. */
  | { readonly kind: "unsent"; readonly cause: unknown }
  /** The upstream failed or left after it had the request. */
  | { readonly kind: "cut"; readonly reason: string; readonly isAnswered: boolean; readonly cause: unknown }
  /** The sandbox went away, or was taken away. */
  | { readonly kind: "abandoned" }
  | { readonly kind: "answered"; readonly status: number }

export interface UpstreamCall {
  readonly baseUrl: string
  readonly pathAndQuery: string
  readonly method: "GET" | "HEAD" | "POST"
  readonly headers: Record<string, string | string[]>
  readonly body: Readable | null
  /** Taken out of whatever the sandbox is sent. */
  readonly secret: string
  /** Called with the status before the first byte of the answer. */
  readonly onAnswer: (status: number, contentType: string) => void
  readonly onBytes: (chunk: Uint8Array) => void
}

/**
 * Sends a call and streams its answer to the sandbox, byte for byte and at once. Ends the call when
 * the sandbox goes away. Writes nothing to `response` unless the upstream answers. Never rejects.
 */
export async function callUpstream(
  dispatcher: Dispatcher,
  call: UpstreamCall,
  response: ServerResponse,
): Promise<CallEnd> {
  const gone = new AbortController()
  const onClose = (): void => {
    if (!response.writableFinished) gone.abort()
  }
  response.once("close", onClose)
  if (response.destroyed) gone.abort()
  try {
    const answer = await send(dispatcher, call, gone.signal)
    if ("kind" in answer) return answer
    return await relay(answer, call, response, gone.signal)
  } finally {
    response.off("close", onClose)
    call.body?.destroy()
  }
}

interface Answer {
  readonly statusCode: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
}

async function send(
  dispatcher: Dispatcher,
  call: UpstreamCall,
  signal: AbortSignal,
): Promise<Answer | CallEnd> {
  const url = new URL(call.baseUrl)
  try {
    return await dispatcher.request({
      origin: url.origin,
      path: url.pathname.replace(/\/$/, "") + call.pathAndQuery,
      method: call.method,
      headers: call.headers,
      body: call.body,
      headersTimeout: gatewayLimits.modelIdleMs,
      bodyTimeout: gatewayLimits.modelIdleMs,
      signal,
    })
  } catch (cause) {
    if (signal.aborted) return { kind: "abandoned" }
    if (wasNeverSent(cause)) return { kind: "unsent", cause }
    return { kind: "cut", reason: describeFailure(cause), isAnswered: false, cause }
  }
}

async function relay(
  answer: Answer,
  call: UpstreamCall,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<CallEnd> {
  const { statusCode: status, headers, body } = answer
  call.onAnswer(status, String(headers["content-type"] ?? ""))
  let cause: unknown = null
  // Who failed first: once the sandbox is gone, the upstream's stream fails by our own doing.
  body.once("error", (error: unknown) => {
    if (!gone.aborted) cause = error
  })
  try {
    response.writeHead(
      status,
      sandboxResponseHeaders(headers, (text) => maskText(text, call.secret)),
    )
    response.flushHeaders()
    await pipeline(body, createSecretMask(call.secret, call.onBytes), response)
    return { kind: "answered", status }
  } catch (error) {
    body.destroy()
    response.destroy()
    if (cause === null) return gone.aborted ? { kind: "abandoned" } : cut(error)
    return cut(cause)
  }
}

function cut(cause: unknown): CallEnd {
  return { kind: "cut", reason: describeFailure(cause), isAnswered: true, cause }
}

const unsentCodes = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_INVALID_ARG",
])

/** The connection failed, or we stopped the body ourselves: nothing can have been charged. */
function wasNeverSent(error: unknown): boolean {
  if (isAppError(error)) return true
  const code = codeOf(error)
  if (error instanceof AggregateError) return error.errors.every(wasNeverSent)
  return code !== null && (unsentCodes.has(code) || code.startsWith("ERR_TLS") || code.startsWith("CERT_"))
}

/** A code and no more: messages may tell addresses of the operator's network. */
function describeFailure(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.name : "unknown")
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null
}
