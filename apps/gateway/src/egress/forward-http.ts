import { request as sendRequest, type IncomingMessage, type ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { pipeline } from "node:stream/promises"
import { AppError, isAppError } from "@berth/core"
import { gatewayLimits } from "../gateway-limits.ts"
import type { GatewayContext } from "../grants/gateway-context.ts"
import type { LiveGrant } from "../grants/live-grant.ts"
import { endToEndHeaders } from "../upstreams/forward-headers.ts"
import { parseEgressTarget, type EgressTarget } from "./egress-target.ts"
import { openForGrant } from "./open-for-grant.ts"

/** Serves a proxy request for a plain `http://` URL. Never rejects. */
export async function forwardHttp(
  context: GatewayContext,
  grant: LiveGrant,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.once("close", () => gone.abort())
  try {
    const { target, path, host } = readUrl(request.url ?? "")
    const remote = await openForGrant(context, grant, target, gone.signal)
    await relay(request, response, remote, path, host)
  } catch (error) {
    answerError(context, request, response, error)
  }
}

function readUrl(url: string): {
  readonly target: EgressTarget
  readonly path: string
  readonly host: string
} {
  const match = /^http:\/\/([^/?#]*)([^#]*)/i.exec(url)
  const target = match?.[1] === undefined ? null : parseEgressTarget(match[1], 80)
  if (target === null || match?.[1] === undefined) {
    throw new AppError("bad_request", "The proxy takes http:// URLs, and CONNECT for everything else.")
  }
  const rest = match[2] ?? ""
  return { target, path: rest.startsWith("/") ? rest : `/${rest}`, host: match[1] }
}

async function relay(
  request: IncomingMessage,
  response: ServerResponse,
  remote: Duplex,
  path: string,
  host: string,
): Promise<void> {
  const { expect: _expect, ...headers } = endToEndHeaders(request.headers)
  const outgoing = sendRequest({
    method: request.method ?? "GET",
    path,
    headers: { ...headers, host },
    setHost: false,
    createConnection: () => remote,
  })
  outgoing.setTimeout(gatewayLimits.tunnelIdleMs, () => outgoing.destroy())
  try {
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once("response", resolve)
      outgoing.on("error", reject)
      outgoing.once("close", () => reject(new AppError("upstream_failed", `${host} gave no answer.`)))
    })
    // An answer may come, and count, before the body has gone and although it never will.
    const answer = await Promise.race([answered, pipeline(request, outgoing).then(() => answered)])
    response.writeHead(answer.statusCode ?? 502, endToEndHeaders(answer.headers))
    await pipeline(answer, response)
  } finally {
    outgoing.destroy()
    remote.destroy()
  }
}

function answerError(
  context: GatewayContext,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  context.logger.debug({ error }, "a proxied request failed")
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const known = isAppError(error) ? error : new AppError("upstream_failed", "The host broke the connection.")
  const body = JSON.stringify(known.toBody())
  response.writeHead(known.status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  })
  response.end(request.method === "HEAD" ? undefined : body)
  request.resume()
}
