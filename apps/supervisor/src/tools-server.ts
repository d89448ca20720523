import { rm } from "node:fs/promises"
import { createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import { toolsSocketName, type AgentTools, type Logger } from "@berth/core"

/** More at once than any agent needs; each costs memory outside the sandbox. */
const connectionsMax = 16

export interface ToolsServer {
  close(): void
}

/**
 * The MCP server of a session on a Unix socket in the folder shown to the sandbox. Anybody inside may
 * speak with it: the tools give nothing that the agent could not have.
 */
export async function startToolsServer(options: {
  readonly directory: string
  readonly tools: AgentTools
  readonly logger: Logger
}): Promise<ToolsServer> {
  const { tools, logger } = options
  const path = join(options.directory, toolsSocketName)
  await rm(path, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    if (sockets.size >= connectionsMax) return socket.destroy()
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
    socket.on("error", (error) => logger.debug({ error: error.message }, "a tools connection failed"))
    // Loaded on the first connection: most of this process's start would otherwise be its code.
    import("./serve-tools.ts")
      .then(({ serveTools }) => serveTools(socket, tools))
      .catch((error: unknown) => {
        logger.warn({ error: String(error) }, "tools could not be served")
        socket.destroy()
      })
  })
  await listen(server, path)
  return {
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Any user may connect: the sandbox has a uid of its own, and sees the folder alone. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ path, readableAll: true, writableAll: true }, resolve)
  })
}
