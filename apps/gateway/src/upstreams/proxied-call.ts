import type { IncomingMessage, ServerResponse } from "node:http"
import type { UpstreamConfig } from "../config.ts"
import type { GatewayContext } from "../grants/gateway-context.ts"
import type { LiveGrant } from "../grants/live-grant.ts"
import { answerRefusal, refusalOf } from "./answer-refusal.ts"
import type { CallEnd } from "./call-upstream.ts"
import type { MatchedRoute } from "./match-route.ts"
import type { Upstream } from "./upstream.ts"

/** A request of a sandbox to an upstream, on its way. */
export interface ProxiedCall {
  readonly context: GatewayContext
  readonly grant: LiveGrant
  readonly upstream: Upstream
  readonly config: UpstreamConfig
  readonly matched: MatchedRoute
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Tells the sandbox of an upstream that gave no answer. */
export function answerFailure(call: ProxiedCall, end: CallEnd): void {
  const { context, upstream, request, response } = call
  if (end.kind !== "unsent" && end.kind !== "cut") return
  context.logger.debug({ upstream: upstream.prefix, error: end.cause }, "an upstream gave no whole answer")
  const refusal = end.kind === "unsent" ? refusalOf(end.cause) : null
  answerRefusal(
    upstream,
    request,
    response,
    refusal ?? {
      status: 502,
      code: "upstream_failed",
      message: `${upstream.prefix} cannot be reached from this server.`,
      isFinal: false,
    },
  )
}
