import { AppError, type Logger } from "@berth/core"
import { HTTPException } from "hono/http-exception"

/** The answer to an error. What is not ours becomes 500 without a word of why; the log has it. */
export function errorResponse(
  error: unknown,
  request: { readonly method: string; readonly path: string },
  logger: Logger,
): Response {
  const known = toAppError(error)
  if (known === null || known.status >= 500) {
    logger.error(
      { error: describeError(error), method: request.method, path: request.path },
      "request failed",
    )
  }
  return appErrorResponse(known ?? new AppError("internal", "Something went wrong here. Try again later."))
}

export function appErrorResponse(error: AppError): Response {
  const headers = new Headers({ "content-type": "application/json" })
  const { code, details } = error
  if (code === "unauthenticated") headers.set("www-authenticate", 'Bearer realm="berth"')
  if (code === "method_not_allowed") headers.set("allow", textOf(details?.["allow"]))
  if (error.status === 429 || error.status === 503) {
    headers.set("retry-after", String(Math.ceil(Number(details?.["retry_after_seconds"] ?? 1))))
  }
  // The ancestors' answer to a taken id names it at the top.
  const extra = code === "id_taken" && details !== undefined ? { id: details["id"] } : {}
  return new Response(JSON.stringify({ ...error.toBody(), ...extra }), { status: error.status, headers })
}

/** What may be logged of an error: no fields of requests, which could hold secrets. */
export function describeError(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { name: typeof error }
  const { name, message, stack } = error
  return { name, message, stack, ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }) }
}

function toAppError(error: unknown): AppError | null {
  if (error instanceof AppError) return error
  if (error instanceof HTTPException && error.status < 500) return new AppError("bad_request", error.message)
  return null
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}
