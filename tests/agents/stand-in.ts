import { once } from "node:events"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** One call as it arrived. */
export interface ModelCall {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Readonly<Record<string, unknown>>
  /** Text of the newest prompt in it; empty for calls that hold none. */
  readonly prompt: string
  /** How its answer ended: whole, cut by us, or without anybody to read it. */
  outcome: "open" | "sent" | "left" | "cut" | "refused"
}

export interface StandIn {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  readonly server: Server
  readonly calls: ModelCall[]
  /** Lets every `[[wait]]` go on, now and from now on. */
  release(): void
  close(): Promise<void>
}

export type Respond = (
  request: { readonly call: ModelCall; readonly body: Readonly<Record<string, unknown>> },
  answer: Answer,
) => Promise<void>

export interface Answer {
  readonly response: ServerResponse
  event(name: string, data: unknown): void
  json(status: number, data: unknown): void
  /** Ends the connection in the middle of the stream. */
  cut(): void
  /** Resolves at `release`, or when the caller left. */
  released(): Promise<void>
}

/** An HTTP server in a model's place. `route` says what a path is, and null for one that no model has. */
export async function startStandIn(options: {
  readonly route: (method: string, path: string) => Respond | null
  readonly promptOf: (body: Readonly<Record<string, unknown>>) => string
  /** A refusal for a call that no real service would take; null when it is well-formed. */
  readonly fault: (request: IncomingMessage, body: Readonly<Record<string, unknown>>) => string | null
  /** Listens on this Unix socket instead of a port. */
  readonly socketPath?: string
}): Promise<StandIn> {
  const calls: ModelCall[] = []
  const released = Promise.withResolvers<void>()

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname
    const body = await readBody(request)
    const respond = options.route(request.method ?? "", path)
    const call: ModelCall = {
      method: request.method ?? "",
      path,
      headers: request.headers,
      body,
      prompt: options.promptOf(body),
      outcome: "open",
    }
    calls.push(call)
    const left = once(response, "close").then(() => undefined)
    void left.then(() => {
      if (call.outcome === "open") call.outcome = "left"
    })
    const answer: Answer = {
      response,
      event: (name, data) => {
        if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" })
        if (!response.destroyed) response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
      },
      json: (status, data) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(data))
      },
      cut: () => {
        call.outcome = "cut"
        response.destroy()
      },
      released: () => Promise.race([released.promise, left]),
    }
    const fault = respond === null ? `no such path: ${call.method} ${path}` : options.fault(request, body)
    if (fault !== null || respond === null) {
      call.outcome = "refused"
      answer.json(400, { error: { message: fault, type: "invalid_request_error" } })
      return
    }
    await respond({ call, body }, answer)
    if (call.outcome !== "open") return
    call.outcome = "sent"
    if (!response.writableEnded) response.end()
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  server.listen(
    options.socketPath === undefined ? { host: "127.0.0.1", port: 0 } : { path: options.socketPath },
  )
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" ? (address as AddressInfo).port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    calls,
    release: () => released.resolve(),
    async close() {
      released.resolve()
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString("utf8")
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>)
}
