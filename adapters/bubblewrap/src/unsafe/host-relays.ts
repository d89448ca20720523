import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import type { Forward } from "../launch/forwards.ts"

export interface HostRelays {
  /** Inside → host, of the loopback. */
  readonly ports: ReadonlyMap<number, number>
  close(): void
}

/**
 * The host has one loopback for all sessions: each forward listens on a free port of it instead of its own.
 * Whoever is on this host can connect.
 */
export async function openHostRelays(forwards: readonly Forward[], directory: string): Promise<HostRelays> {
  const servers: Server[] = []
  const ports = new Map<number, number>()
  const close = (): void => {
    for (const server of servers) server.close()
  }
  for (const { port, socket } of forwards) {
    const server = createServer((client) => couple(client, connect(join(directory, socket))))
    servers.push(server)
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const address = server.address()
    if (address !== null && typeof address === "object") ports.set(port, address.port)
  }
  return { ports, close }
}

function couple(client: Socket, upstream: Socket): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.pipe(to)
    // One side gone is the end of both.
    from.on("error", () => to.destroy())
    from.on("close", () => to.destroy())
  }
}
