import { chmodSync, rmSync } from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { AppError } from "@berth/core"

export type Listener = (request: IncomingMessage, response: ServerResponse) => void

export interface Listening {
  readonly server: Server
  /** Stops taking connections and ends those there are. */
  close(): Promise<void>
}

/** `conflict` when the address is taken, with what to do. */
export async function listenOn(
  listener: Listener,
  address: { readonly host: string; readonly port: number } | { readonly socket: string },
): Promise<Listening> {
  const server = createServer({ keepAlive: true, noDelay: true }, listener)
  server.keepAliveTimeout = 75_000
  // Streams last for days; what takes long to *arrive* is bounded by headersTimeout and requestTimeout.
  server.timeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(translate(cause, address)))
    if ("socket" in address) {
      // The data directory is ours alone, so a socket here is an earlier server's.
      rmSync(address.socket, { force: true })
      server.listen({ path: address.socket, backlog: 1024 }, resolve)
    } else {
      server.listen({ host: address.host, port: address.port, backlog: 4096 }, resolve)
    }
  })
  if ("socket" in address) chmodSync(address.socket, 0o600)
  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function translate(cause: NodeJS.ErrnoException, address: object): AppError {
  const where = JSON.stringify(address)
  if (cause.code === "EADDRINUSE") {
    return new AppError("conflict", `The address ${where} is taken. Set BERTH_PORT to another port.`, {
      cause,
    })
  }
  return new AppError("unavailable", `The server cannot listen on ${where}: ${cause.message}`, { cause })
}
