import type { IncomingMessage, ServerResponse } from "node:http"
import { isAppError } from "@berth/core"
import type { Refusal, Upstream } from "./upstream.ts"

/** Answers in the upstream's own error format. Does nothing once an answer has begun. */
export function answerRefusal(
  upstream: Upstream,
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refusal & { readonly isFinal: boolean },
): void {
  if (response.headersSent || response.destroyed) return
  const body = JSON.stringify(upstream.errorBody(refusal))
  response.writeHead(refusal.status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    // The clients of all three services retry on 429 and 5xx unless they are told.
    "x-should-retry": String(!refusal.isFinal),
  })
  response.end(request.method === "HEAD" ? undefined : body)
  // What is left of the body has nowhere to go, and must not stop the connection.
  request.resume()
}

/** The refusal that an error stands for; null for what is not ours to tell, such as a lost connection. */
export function refusalOf(error: unknown): (Refusal & { readonly isFinal: boolean }) | null {
  if (!isAppError(error)) return null
  const isFinal = error.status < 500 && error.details?.["isRetryable"] !== true
  return { status: error.status, code: error.code, message: error.message, isFinal }
}
