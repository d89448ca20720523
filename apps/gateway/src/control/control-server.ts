import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { buffer } from "node:stream/consumers"
import { AppError, isAppError } from "@berth/core"
import { isLogId } from "@berth/protocol"
import { changeableConfig, parseWith, type ChangeableConfig } from "../config.ts"
import { gatewayLimits } from "../gateway-limits.ts"
import { grantRequest, type GatewayHealth, type GrantKey, type GrantRequest } from "./grant-request.ts"

/** What the server may ask of the gateway. */
export interface GatewayControl {
  health(): GatewayHealth
  configure(config: ChangeableConfig): void
  putGrant(key: GrantKey, request: GrantRequest): Promise<string>
  deleteGrant(key: GrantKey): Promise<void>
  onFault(error: unknown): void
}

/** The control API; whoever can open its socket is trusted. Keys come in and never go out. */
export function createControlServer(control: GatewayControl): Server {
  return createServer((request, response) => {
    void answer(control, request, response)
  })
}

async function answer(
  control: GatewayControl,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on("error", control.onFault)
  try {
    send(response, 200, await route(control, request))
  } catch (error) {
    if (isAppError(error)) send(response, error.status, error.toBody())
    else {
      control.onFault(error)
      const told = new AppError("internal", "The gateway failed; its log says why.")
      send(response, told.status, told.toBody())
    }
    request.resume()
  }
}

async function route(control: GatewayControl, request: IncomingMessage): Promise<unknown> {
  const { method } = request
  const path = (request.url ?? "").split("?")[0] ?? ""
  if (path === "/health" && method === "GET") return control.health()
  if (path === "/config" && method === "PUT") {
    control.configure(parseWith(changeableConfig, await readText(request), "configuration"))
    return {}
  }
  const key = readKey(path)
  if (key === null) throw new AppError("not_found", `The gateway has no ${method} ${path}.`)
  if (method === "PUT") {
    const grant = parseWith(grantRequest, await readText(request), "grant")
    return { directory: await control.putGrant(key, grant) }
  }
  if (method !== "DELETE") throw new AppError("method_not_allowed", "Grants take PUT and DELETE.")
  await control.deleteGrant(key)
  return {}
}

function readKey(path: string): GrantKey | null {
  const [, logId, generation] = /^\/grants\/([^/]+)\/(\d{1,9})$/.exec(path) ?? []
  if (logId === undefined || !isLogId(logId)) return null
  return { logId, generation: Number(generation) }
}

async function readText(request: IncomingMessage): Promise<string> {
  if (Number(request.headers["content-length"] ?? Infinity) > gatewayLimits.controlBodyBytes) {
    throw new AppError("too_large", `Send a Content-Length of at most ${gatewayLimits.controlBodyBytes}.`)
  }
  return (await buffer(request)).toString("utf8")
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(body))
}
