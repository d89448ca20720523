import { AppError, createSessionService, createSubmitCommand } from "@berth/core"
import { limits } from "@berth/protocol"
import { OpenAPIHono } from "@hono/zod-openapi"
import { matchedRoutes } from "hono/route"
import { createAuthenticate, type Authenticate } from "./access/authenticate.ts"
import { refuseForwarded } from "./access/check-origin.ts"
import { allowOrigins } from "./access/cors.ts"
import { createSessionCookies } from "./access/session-cookie.ts"
import type { ApiEnv, ApiOptions } from "./api-options.ts"
import { createArtifactIndex } from "./artifacts/artifact-index.ts"
import { addArtifactRoutes } from "./artifacts/artifact-routes.ts"
import { refuseOtherMethods, type Api } from "./http/add-route.ts"
import { errorResponse } from "./http/error-response.ts"
import { setSecureHeaders } from "./http/secure-headers.ts"
import { addKeyRoutes } from "./keys/key-routes.ts"
import { addLogRoutes } from "./sessions/log-routes.ts"
import { addSessionRoutes } from "./sessions/session-routes.ts"
import { addSyncRoutes } from "./sessions/sync-routes.ts"
import { createHeartbeat } from "./stream/heartbeat.ts"
import { addDescription, addSystemRoutes } from "./system/system-routes.ts"

/** Answered to anyone: they say nothing of any session. The page and its assets are the server's own. */
const openPaths = /^\/(?:(?:health|api\/health|openapi\.json|docs)?\/?|page\/.*)$/
/** Where a key is shown in the body, and so need not be shown before. */
const signInPath = /^\/api\/auth\/session\/?$/

/**
 * The public HTTP API. The caller may add its page: `/` and `/page/…` are open to anyone. Serve it as `api.fetch(request, bindings)` with `ApiBindings` for each request:
 * without them no request counts as local.
 */
export function createApi(options: ApiOptions): Api {
  const { keyStore, clock, logger, access, eventLog } = options
  const api: Api = new OpenAPIHono<ApiEnv>({ strict: false })
  const cookies = createSessionCookies({ secret: access.cookieSecret, clock })
  const authenticate = createAuthenticate({ access, keyStore, cookies, clock })
  const onCount = options.observeReaders
  const heartbeat = createHeartbeat({
    clock,
    intervalMs: limits.heartbeatMs,
    ...(onCount === undefined ? {} : { onCount }),
  })
  const submitCommand = createSubmitCommand(options)
  const sessions = createSessionService({ ...options, submitCommand })
  const isolation = async () => (await options.health()).isolation

  guard(api, options, authenticate)
  addSystemRoutes(api, options)
  addSessionRoutes(api, { ...options, sessions, isolation })
  addSyncRoutes(api, { sessions, submitCommand })
  addLogRoutes(api, { ...options, sessions, heartbeat })
  addArtifactRoutes(api, { ...options, sessions, artifacts: createArtifactIndex({ eventLog }) })
  addKeyRoutes(api, { keyStore, cookies, access })
  addDescription(api, options.version)
  refuseOtherMethods(api)
  api.notFound(() => {
    throw new AppError("not_found", "There is nothing at this address. See /docs.")
  })
  api.onError((error, context) => {
    const { method, path } = context.req
    return errorResponse(error, { method, path }, logger)
  })
  return api
}

/** What every request passes through, in this order: headers and counting, proxies, origins, keys. */
function guard(api: Api, options: ApiOptions, authenticate: Authenticate): void {
  const { access, clock, observe } = options
  api.use(async (context, next) => {
    const startedAt = clock.now()
    await next()
    setSecureHeaders(context.res.headers)
    const route = matchedRoutes(context).findLast((matched) => matched.path !== "/*")?.path ?? "other"
    const { method } = context.req
    observe?.({ method, route, status: context.res.status, durationMs: clock.now() - startedAt })
  })
  api.use(allowOrigins(access.corsOrigins))
  api.use(async (context, next) => {
    const { path } = context.req
    if (!openPaths.test(path)) {
      refuseForwarded(context.req.raw, access)
      if (!signInPath.test(path))
        context.set("access", await authenticate(context.req.raw, context.env ?? {}))
    }
    await next()
  })
}
