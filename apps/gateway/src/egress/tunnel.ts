import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { pipeline } from "node:stream/promises"
import { AppError, isAppError } from "@berth/core"
import { gatewayLimits } from "../gateway-limits.ts"
import type { GatewayContext } from "../grants/gateway-context.ts"
import type { LiveGrant } from "../grants/live-grant.ts"
import { parseEgressTarget } from "./egress-target.ts"
import { openForGrant } from "./open-for-grant.ts"

/** Serves `CONNECT host:port`: bytes both ways, half-closed ends included. Never rejects. */
export async function serveTunnel(
  context: GatewayContext,
  grant: LiveGrant,
  request: IncomingMessage,
  socket: Socket,
  head: Uint8Array,
): Promise<void> {
  const gone = new AbortController()
  socket.once("close", () => gone.abort())
  socket.on("error", (error) => context.logger.debug({ error }, "a tunnel's client failed"))
  socket.setTimeout(gatewayLimits.tunnelIdleMs, () => socket.destroy())
  try {
    const target = parseEgressTarget(request.url ?? "", null)
    if (target === null) throw new AppError("bad_request", "CONNECT takes host:port.")
    const remote = await openForGrant(context, grant, target, gone.signal)
    await join(socket, remote, head)
  } catch (error) {
    if (isAppError(error) && !socket.destroyed) refuse(socket, error)
    else {
      context.logger.debug({ error }, "a tunnel broke")
      socket.destroy()
    }
  }
}

async function join(socket: Socket, remote: Duplex, head: Uint8Array): Promise<void> {
  try {
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
    if (head.length > 0) remote.write(head)
    await Promise.all([pipeline(socket, remote), pipeline(remote, socket)])
  } finally {
    remote.destroy()
    socket.destroy()
  }
}

function refuse(socket: Socket, error: AppError): void {
  const body = JSON.stringify(error.toBody())
  const { error: reason } = error.toBody()
  socket.setTimeout(gatewayLimits.dialTimeoutMs)
  socket.end(
    `HTTP/1.1 ${error.status} ${reason}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
  // A client that goes on sending must not keep the connection.
  socket.resume()
}
