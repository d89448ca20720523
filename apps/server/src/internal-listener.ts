import { getRequestListener } from "@hono/node-server"
import { createAppendHandler, createDoorKeeper, createInternalApi, type InternalApiOptions } from "@berth/api"
import { AppError, isAppError, type Logger } from "@berth/core"
import { limits } from "@berth/protocol"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Listener } from "./listen.ts"

const appendPath = /^\/internal\/logs\/([^/?]+)\/append\?firstN=([^&]*)$/

/** What runners call. Appends, by far the most, go straight from the socket to their handler. */
export function createInternalListener(options: InternalApiOptions): Listener {
  const { logger } = options
  const api = createInternalApi(options)
  const rest = getRequestListener(api.fetch, { overrideGlobalObjects: false })
  const append = createAppendHandler(createDoorKeeper(options))
  return (request, response) => {
    const match = request.method === "POST" ? appendPath.exec(request.url ?? "") : null
    if (match === null) return void rest(request, response)
    const [, log = "", firstN = ""] = match
    const authorization = request.headers.authorization ?? null
    void readBody(request)
      .then((body) => append({ log, authorization, firstN, body }))
      .then((result) => answer(response, 200, JSON.stringify(result)))
      .catch((error: unknown) => refuse(response, error, logger))
  }
}

function readBody(request: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes <= limits.appendBatchBytes) return void chunks.push(chunk)
      // What is still to come is read and dropped, so that the answer reaches the sender.
      chunks.length = 0
      reject(new AppError("too_large", `A batch may have ${limits.appendBatchBytes} bytes at most.`))
    })
    request.once("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
    request.once("error", reject)
  })
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  })
  response.end(body)
}

function refuse(response: ServerResponse, error: unknown, logger: Logger): void {
  if (response.headersSent) return
  if (isAppError(error)) return answer(response, error.status, JSON.stringify(error.toBody()))
  logger.error({ error }, "an append failed")
  answer(
    response,
    500,
    JSON.stringify(new AppError("internal", "An internal error; see the server's log.").toBody()),
  )
}
