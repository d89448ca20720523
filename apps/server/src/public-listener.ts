import { getRequestListener } from "@hono/node-server"
import type { ApiBindings } from "@berth/api"
import type { Listener } from "./listen.ts"

interface Fetches {
  fetch(request: Request, bindings: ApiBindings): Response | Promise<Response>
}

/** The public API on a socket: tells it who is calling, which a Request alone does not say. */
export function createPublicListener(api: Fetches, options: { readonly isLoopbackBind: boolean }): Listener {
  const { isLoopbackBind } = options
  const listener = getRequestListener(
    (request, { incoming }) => {
      const remoteAddress = "socket" in incoming ? (incoming.socket.remoteAddress ?? null) : null
      return api.fetch(request, { remoteAddress, isLoopbackBind })
    },
    { overrideGlobalObjects: false },
  )
  return (request, response) => void listener(request, response)
}
