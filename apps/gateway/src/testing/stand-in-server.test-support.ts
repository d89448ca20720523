import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"

export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface StandInServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly requests: ReceivedRequest[]
  /** Replaces what it does with a request whose body has come. */
  answer: (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>
}

/** A real HTTP server on this machine that keeps what it was sent. */
export async function startStandIn(answer: StandInServer["answer"]): Promise<StandInServer> {
  const server = createServer((request, response) => {
    void receive(request, response)
  })

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A sender that goes away before its body has ended is what some tests are about.
    const body = await buffer(request).catch(() => null)
    if (body === null) return
    const received = {
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: body.toString("utf8"),
    }
    standIn.requests.push(received)
    await standIn.answer(received, response)
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const standIn: StandInServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: [],
    answer,
    [Symbol.asyncDispose]: () => stopServer(server),
  }
  return standIn
}

export async function stopServer(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
