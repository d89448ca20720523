import { AppError } from "@berth/core"
import { errorBody, errorCodes, headers as headerNames, type ErrorCode } from "@berth/protocol"
import type { z } from "zod"

export interface RequestOptions {
  readonly body?: unknown
  /** Makes a repeat harmless. */
  readonly idempotencyKey?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** The HTTP API of one server, with the caller's key. Every failure is an AppError. */
export interface BerthApi {
  readonly url: string
  /** The answer, checked against `shape`. */
  request<Shape extends z.ZodType>(
    shape: Shape,
    method: "GET" | "POST" | "PATCH" | "DELETE",
    path: string,
    options?: RequestOptions,
  ): Promise<z.infer<Shape>>
  /** An answer that is read as it comes. */
  open(path: string, options?: RequestOptions): Promise<Response>
}

export interface ApiOptions {
  readonly url: string
  readonly apiKey: string | null
  readonly project: string | null
}

export function createBerthApi({ url, apiKey, project }: ApiOptions): BerthApi {
  const base = url.replace(/\/+$/, "")

  const send = async (method: string, path: string, options: RequestOptions): Promise<Response> => {
    const { body, idempotencyKey, signal } = options
    const headers = {
      ...options.headers,
      ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(project === null ? {} : { [headerNames.project]: project }),
      ...(idempotencyKey === undefined ? {} : { [headerNames.idempotencyKey]: idempotencyKey }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    }
    const init: RequestInit = {
      method,
      headers,
      redirect: "error",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }
    const response = await fetch(`${base}${path}`, init).catch((cause: unknown) => {
      throw unreachable(base, cause)
    })
    if (!response.ok) throw await refused(response, base)
    return response
  }

  return {
    url: base,
    async request(shape, method, path, options = {}) {
      const response = await send(method, path, options)
      const text = await response.text().catch((cause: unknown) => {
        throw unreachable(base, cause)
      })
      const parsed = shape.safeParse(parseJson(text, base))
      if (parsed.success) return parsed.data
      const message = `${base} answered ${method} ${path} in words of another version. Update the older of the two.`
      throw new AppError("upstream_failed", message, { cause: parsed.error })
    },
    open: (path, options = {}) => send("GET", path, options),
  }
}

/** `details.isRefused`: nobody listens there, so nothing was done. */
function unreachable(base: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause.name === "AbortError") return cause
  const inner: unknown = cause.cause
  const code = inner instanceof Error && "code" in inner ? inner.code : null
  const isRefused = code === "ECONNREFUSED" || code === "ENOTFOUND"
  const message = isRefused
    ? `No Berth server answers at ${base}. Start one with \`berth serve\`, or name another with --url.`
    : `The connection to ${base} broke.`
  return new AppError("unavailable", message, { cause, details: { isRefused } })
}

async function refused(response: Response, base: string): Promise<AppError> {
  const text = await response.text().catch(() => "")
  const body = errorBody.safeParse(text.startsWith("{") ? parseJson(text, base) : null)
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN)
  const details = {
    ...body.data?.details,
    status: response.status,
    ...(Number.isFinite(retryAfter) ? { retryAfterMs: retryAfter * 1000 } : {}),
  }
  if (!body.success) {
    const code = response.status === 503 || response.status === 502 ? "unavailable" : "upstream_failed"
    return new AppError(code, `${base} answered ${response.status} and no word of Berth's.`, { details })
  }
  const { code, message } = body.data
  const hint = code === "unauthenticated" ? " Give a key with --key or BERTH_API_KEY." : ""
  return new AppError(isErrorCode(code) ? code : "upstream_failed", `${message}${hint}`, { details })
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}

function parseJson(text: string, base: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new AppError("upstream_failed", `What answers at ${base} is not a Berth server.`, { cause })
  }
}
