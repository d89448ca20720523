import type { ClientRequest, IncomingMessage } from "node:http"
import { AppError } from "@berth/core"
import { errorCodes, type ErrorCode } from "@berth/protocol"

// An import would touch every export, and one of them loads undici: 14 MB, and a third of the start.
const { Agent, request: startRequest } = process.getBuiltinModule("node:http")

/** A server that says nothing for so long is taken for gone. */
const answerTimeoutMs = 30_000
const errorBodyBytesMax = 64 * 1024

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT"
  readonly path: string
  readonly contentType?: string
  readonly body?: string | AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal
  /** How long nothing may come; default 30 s. */
  readonly silenceMs?: number
}

export interface HttpClient {
  /**
   * Resolves with an answer of 2xx. Every other is an AppError: the server's own when its body names
   * one, `unavailable` when the server cannot be reached or the connection is lost.
   */
  send(request: HttpRequest): Promise<IncomingMessage>
  close(): void
}

/**
 * HTTP over a Unix socket with `node:http` itself: nothing to load, which the time until the agent starts
 * is made of.
 */
export function createHttpClient(options: {
  readonly socketPath: string
  readonly token: string
}): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })

  const open = (request: HttpRequest): ClientRequest =>
    startRequest({
      agent,
      socketPath: options.socketPath,
      method: request.method,
      path: request.path,
      timeout: request.silenceMs ?? answerTimeoutMs,
      headers: {
        host: "berth",
        authorization: `Bearer ${options.token}`,
        ...(request.contentType === undefined ? {} : { "content-type": request.contentType }),
        ...(typeof request.body === "string" ? { "content-length": Buffer.byteLength(request.body) } : {}),
      },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    })

  const send = async (request: HttpRequest): Promise<IncomingMessage> => {
    const outgoing = open(request)
    outgoing.once("timeout", () => outgoing.destroy(new Error("the server does not answer")))
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once("response", resolve)
      // Stays on: an error after the answer belongs to the answer's stream.
      outgoing.on("error", (cause) => reject(away(cause)))
    })
    answered.catch(() => undefined)
    try {
      await writeBody(outgoing, request.body)
    } catch (cause) {
      // The body's own source failed; a connection that is lost shows in `answered`.
      outgoing.destroy()
      throw cause
    }
    const response = await answered
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    throw await readError(response, status)
  }

  return { send, close: () => agent.destroy() }
}

async function writeBody(outgoing: ClientRequest, body: HttpRequest["body"]): Promise<void> {
  if (body === undefined || typeof body === "string") {
    outgoing.end(body)
    return
  }
  for await (const chunk of body) {
    if (outgoing.destroyed) return
    if (!outgoing.write(chunk)) await drained(outgoing)
  }
  outgoing.end()
}

function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done)
      outgoing.off("close", done)
      resolve()
    }
    outgoing.once("drain", done)
    outgoing.once("close", done)
  })
}

/** The whole body as text. `unavailable` when the connection is lost before its end. */
export async function readText(response: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      if (bytes > bytesMax) throw new AppError("internal", "The server's answer is too large.")
      chunks.push(chunk)
    }
  } catch (cause) {
    throw cause instanceof AppError ? cause : away(cause)
  }
  return Buffer.concat(chunks).toString("utf8")
}

async function readError(response: IncomingMessage, status: number): Promise<AppError> {
  const text = await readText(response, errorBodyBytesMax)
  const body = parseRecord(text)
  const code = body["code"]
  const message = body["message"]
  const details = body["details"]
  if (typeof code === "string" && isErrorCode(code)) {
    return new AppError(
      code,
      typeof message === "string" ? message : code,
      isRecord(details) ? { details } : {},
    )
  }
  return new AppError("unavailable", `The server answered ${status}.`)
}

export function away(cause: unknown): AppError {
  return new AppError("unavailable", "The server cannot be reached.", { cause })
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}

function parseRecord(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
