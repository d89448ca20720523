import { request, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from "node:http"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { text } from "node:stream/consumers"

export interface SandboxAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface SandboxRequest {
  readonly method?: string
  /** The request target as it is sent, unaltered. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/** What a program in a sandbox sends through the socket of its folder. */
export async function sendFrom(directory: string, options: SandboxRequest): Promise<SandboxAnswer> {
  const answer = await openFrom(directory, options)
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    rawHeaders: answer.rawHeaders,
    body: await text(answer),
  }
}

/** The same, up to the head of the answer. */
export function openFrom(directory: string, options: SandboxRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath: join(directory, "gateway.sock"),
      method: options.method ?? "GET",
      path: options.path,
      headers: { host: "127.0.0.1:3128", ...options.headers },
      agent: false,
    })
    outgoing.on("response", resolve)
    outgoing.on("error", reject)
    outgoing.end(options.body)
  })
}

export function postJson(directory: string, path: string, body: unknown): Promise<SandboxAnswer> {
  return sendFrom(directory, {
    method: "POST",
    path,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })
}

/** A bare connection to the socket. */
export function connectFrom(directory: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: join(directory, "gateway.sock"), allowHalfOpen: true })
    socket.once("connect", () => resolve(socket))
    socket.once("error", reject)
  })
}

export interface Tunnel {
  readonly status: number
  readonly head: string
  readonly socket: Socket
}

/** `CONNECT` to an authority; the socket carries the tunnel when the status is 200. */
export async function connectTo(directory: string, authority: string): Promise<Tunnel> {
  const socket = await connectFrom(directory)
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
  const head = await new Promise<string>((resolve, reject) => {
    let received = ""
    socket.once("error", reject)
    socket.on("data", (chunk) => {
      received += chunk.toString()
      if (received.includes("\r\n\r\n")) resolve(received)
    })
    socket.once("end", () => resolve(received))
  })
  socket.removeAllListeners("data")
  return { status: Number(head.split(" ")[1]), head, socket }
}
