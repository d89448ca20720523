import type { Clock, SessionService, SessionStore } from "@berth/core"
import {
  createSessionRequest,
  limits,
  sessionIdPattern,
  sessionList,
  sessionRecord,
  sessionStatuses,
  updateSessionRequest,
  type IsolationReport,
  type SessionId,
} from "@berth/protocol"
import { z } from "zod"
import type { ApiContext } from "../api-options.ts"
import { addRoute, type Api } from "../http/add-route.ts"
import { refuseUnsupported } from "./refuse-unsupported.ts"
import { toSessionRecord, toSummary } from "./session-record.ts"

export const sessionParams = z.object({
  id: z
    .string()
    .regex(sessionIdPattern)
    .transform((id) => id as SessionId),
})
const tag = "sessions"
const pageSize = z.coerce.number().int().min(1).max(limits.listPageSizeMax).default(limits.listPageSize)
const listQuery = z.looseObject({
  limit: pageSize,
  cursor: z.string().max(512).optional(),
  status: z.enum(sessionStatuses).optional(),
  agent: z.string().max(64).optional(),
  q: z.string().max(256).optional(),
})

/** Sessions as resources: `execution-api.md`, and "An agent session" of `sync-and-events.md`. */
export function addSessionRoutes(
  api: Api,
  options: {
    readonly sessions: SessionService
    readonly sessionStore: SessionStore
    readonly isolation: () => Promise<IsolationReport>
    readonly clock: Clock
  },
): void {
  const { sessions, sessionStore, isolation, clock } = options
  const now = (): string => new Date(clock.now()).toISOString()

  addRoute(
    api,
    {
      method: "post",
      path: "/api/sessions",
      summary: "Create a session",
      tag,
      body: looseBody(createSessionRequest),
      isBodyOptional: true,
      status: 201,
      response: sessionRecord,
    },
    async (context, { body }) => {
      refuseUnsupported(body)
      const { project, by } = context.var.access
      const view = await sessions.create(project, createSessionRequest.parse(body), by)
      return context.json(toSessionRecord(view, await isolation()), 201)
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/api/sessions",
      summary: "List the project's sessions, newest first",
      tag,
      query: listQuery,
      status: 200,
      response: sessionList,
    },
    async (context, { query }) => {
      const { items, total, nextCursor } = await sessionStore.list(context.var.access.project, {
        limit: query.limit,
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
        filter: {
          ...(query.status === undefined ? {} : { status: query.status }),
          ...(query.agent === undefined ? {} : { agent: query.agent }),
          ...(query.q === undefined ? {} : { query: query.q }),
          metadata: metadataOf(context),
        },
      })
      const page = items.map((item) => toSummary(item, item))
      const next = nextCursor === null ? {} : { next_cursor: nextCursor }
      return context.json({ sessions: page, count: page.length, total, ...next })
    },
  )

  addRoute(
    api,
    {
      method: "delete",
      path: "/api/sessions",
      summary: "Delete all sessions of the project",
      tag,
      status: 200,
      response: z.object({ success: z.boolean(), deleted_count: z.number() }).loose(),
    },
    async (context) => {
      const ids = await sessions.removeAll(context.var.access.project)
      return context.json({
        success: true,
        deleted_count: ids.length,
        deleted_sessions: ids,
        deleted_at: now(),
      })
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/api/sessions/{id}",
      summary: "Read a session",
      tag,
      params: sessionParams,
      status: 200,
      response: sessionRecord,
    },
    async (context, { params }) => {
      const view = await sessions.get(context.var.access.project, params.id)
      return context.json(toSessionRecord(view, await isolation()))
    },
  )

  addRoute(
    api,
    {
      method: "patch",
      path: "/api/sessions/{id}",
      summary: "Change a session",
      tag,
      params: sessionParams,
      body: looseBody(updateSessionRequest),
      status: 200,
      response: z.object({
        success: z.boolean(),
        id: z.string(),
        metadata: sessionRecord,
        updated_at: z.string(),
      }),
    },
    async (context, { params, body }) => {
      refuseUnsupported(body)
      const { project } = context.var.access
      const view = await sessions.update(project, params.id, updateSessionRequest.parse(body))
      const { id, updatedAt } = view.record
      const metadata = toSessionRecord(view, await isolation())
      return context.json({ success: true, id, metadata, updated_at: updatedAt })
    },
  )

  addRoute(
    api,
    {
      method: "delete",
      path: "/api/sessions/{id}",
      summary: "Delete a session; its id is free at once",
      tag,
      params: sessionParams,
      status: 200,
      response: z.object({
        deleted: z.string(),
        success: z.boolean(),
        id: z.string(),
        deleted_at: z.string(),
      }),
    },
    async (context, { params }) => {
      const { id } = params
      await sessions.remove(context.var.access.project, id)
      return context.json({ deleted: id, success: true, id, deleted_at: now() })
    },
  )
}

/** Keeps fields that are not in the shape, so that those of other kinds of session can be refused by name. */
function looseBody<Schema extends z.ZodObject>(schema: Schema) {
  return schema.loose()
}

/** `?metadata.key=value`, any number of them. */
function metadataOf(context: ApiContext): Readonly<Record<string, string>> {
  const pairs = Object.entries(context.req.query())
  const prefix = "metadata."
  const named = pairs.filter(([name]) => name.startsWith(prefix) && name.length > prefix.length)
  return Object.fromEntries(named.map(([name, value]) => [name.slice(prefix.length), value]))
}
