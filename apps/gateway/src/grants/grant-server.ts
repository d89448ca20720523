import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { AppError } from "@berth/core"
import { forwardHttp } from "../egress/forward-http.ts"
import { serveTunnel } from "../egress/tunnel.ts"
import { gatewayLimits } from "../gateway-limits.ts"
import { findUpstream, proxyUpstream } from "../upstreams/proxy-upstream.ts"
import type { GatewayContext } from "./gateway-context.ts"
import type { LiveGrant } from "./live-grant.ts"

export interface GrantServer {
  readonly server: Server
  readonly connectionCount: () => number
  /** Cuts every connection, tunnels included, and takes no more. Resolves when all calls are settled. */
  close(): Promise<void>
}

/** What answers on one sandbox's socket. Everything that arrives there is hostile. */
export function createGrantServer(context: GatewayContext, grant: LiveGrant): GrantServer {
  const sockets = new Set<Socket>()
  const server = createServer({
    maxHeaderSize: gatewayLimits.headerBytes,
    headersTimeout: gatewayLimits.headersTimeoutMs,
    keepAliveTimeout: gatewayLimits.keepAliveMs,
    // A body may take as long as its bytes keep coming; the idle timeout below ends the others.
    requestTimeout: 0,
  })
  server.maxConnections = gatewayLimits.connectionsPerGrant
  server.timeout = gatewayLimits.modelIdleMs

  function track(work: Promise<void>): void {
    const call = work.catch(context.onFault).finally(() => grant.calls.delete(call))
    grant.calls.add(call)
  }

  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  server.on("request", (request, response) => {
    // Both fail when the sandbox goes away; whoever reads or writes them learns of it there.
    request.on("error", (error) => context.logger.debug({ error }, "a request broke"))
    response.on("error", (error) => context.logger.debug({ error }, "a response broke"))
    track(route(context, grant, request, response))
  })
  server.on("connect", (request: IncomingMessage, socket: Socket, head: Uint8Array) => {
    track(serveTunnel(context, grant, request, socket, head))
  })

  return {
    server,
    connectionCount: () => sockets.size,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await Promise.all([closed, ...grant.calls])
    },
  }
}

async function route(
  context: GatewayContext,
  grant: LiveGrant,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? ""
  if (!url.startsWith("/")) return forwardHttp(context, grant, request, response)
  const upstream = findUpstream(url)
  if (upstream !== null) return proxyUpstream(context, grant, upstream, request, response)
  const error = new AppError("not_found", "Nothing is served here but /anthropic, /openai and /google.")
  response.writeHead(error.status, { "content-type": "application/json" })
  response.end(request.method === "HEAD" ? undefined : JSON.stringify(error.toBody()))
  request.resume()
}
