import { headers } from "@berth/protocol"
import { cors } from "hono/cors"
import type { MiddlewareHandler } from "hono"
import type { ApiEnv } from "../api-options.ts"

/** Cross-origin calls, for the configured origins alone. Cookies never: they are SameSite=Strict. */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<ApiEnv> {
  const answer = cors({
    origin: [...origins],
    allowMethods: ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"],
    allowHeaders: ["authorization", "content-type", ...Object.values(headers)],
    exposeHeaders: ["etag", "retry-after", "content-range"],
    maxAge: 600,
  })
  return (context, next) => {
    const origin = context.req.header("origin")
    return origin !== undefined && origins.includes(origin) ? answer(context, next) : next()
  }
}
