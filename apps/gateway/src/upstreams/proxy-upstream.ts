import type { IncomingMessage, ServerResponse } from "node:http"
import { AppError } from "@berth/core"
import type { UpstreamConfig } from "../config.ts"
import type { GatewayContext } from "../grants/gateway-context.ts"
import type { LiveGrant } from "../grants/live-grant.ts"
import { answerRefusal, refusalOf } from "./answer-refusal.ts"
import { callUpstream } from "./call-upstream.ts"
import { upstreamRequestHeaders } from "./forward-headers.ts"
import { streamBody } from "./held-body.ts"
import { matchRoute, type MatchedRoute } from "./match-route.ts"
import { answerFailure, type ProxiedCall } from "./proxied-call.ts"
import { proxyMetered } from "./proxy-metered.ts"
import type { Upstream } from "./upstream.ts"
import { upstreamTable } from "./upstream-table.ts"

/** The row whose prefix begins this path, or null. */
export function findUpstream(path: string): Upstream | null {
  const prefix = /^\/([^/?#]*)/.exec(path)?.[1]
  return Object.values(upstreamTable).find((row) => row.prefix === prefix) ?? null
}

/** Answers a request whose path begins with the upstream's prefix. Rejects only by a fault of ours. */
export async function proxyUpstream(
  context: GatewayContext,
  grant: LiveGrant,
  upstream: Upstream,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const call = { context, grant, upstream, request, response, ...admit(context, grant, upstream, request) }
    if (call.matched.route.meter === null) await proxyFree(call)
    else await proxyMetered(call, call.matched.route.meter)
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal !== null) answerRefusal(upstream, request, response, refusal)
    else if (!request.errored && !response.destroyed) throw error
  }
}

function admit(
  context: GatewayContext,
  grant: LiveGrant,
  upstream: Upstream,
  request: IncomingMessage,
): { readonly matched: MatchedRoute; readonly config: UpstreamConfig } {
  const name = upstream.prefix
  const method = request.method ?? ""
  const rest = (request.url ?? "").slice(name.length + 1)
  const matched = matchRoute(upstream, method, rest)
  const isGranted = grant.request.upstreams.some((granted) => granted === name)
  if (!isGranted || matched === null) {
    const message = isGranted
      ? `${method} on this path is not open to sandboxes.`
      : `This session may not use ${name}.`
    const target = `${method} ${rest.split("?")[0] ?? ""}`.slice(0, 200)
    grant.tellRefusal({ kind: "upstream", host: name, port: null, target, message })
    throw new AppError("forbidden", message)
  }
  const config = Object.entries(context.config().upstreams).find(([key]) => key === name)?.[1]
  if (config === undefined) {
    throw new AppError("forbidden", `No key for ${name} is set on this server. Its operator can add one.`)
  }
  return { matched, config }
}

async function proxyFree(call: ProxiedCall): Promise<void> {
  const { context, request, response, matched } = call
  const headers = upstreamRequestHeaders(call.upstream, request.headers, call.config.apiKey)
  const length = request.headers["content-length"]
  if (matched.route.method === "POST" && length !== undefined) headers["content-length"] = length
  const end = await callUpstream(
    context.dispatcher,
    {
      baseUrl: call.config.baseUrl,
      pathAndQuery: matched.pathAndQuery,
      method: matched.route.method,
      headers,
      body: matched.route.method === "POST" ? streamBody(request, () => undefined) : null,
      secret: call.config.apiKey,
      onAnswer: () => undefined,
      onBytes: () => undefined,
    },
    response,
  )
  answerFailure(call, end)
}
