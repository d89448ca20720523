import { AppError, type ApiKey, type KeyStore } from "@berth/core"
import { keyRecord, projectIdPattern, type ProjectId } from "@berth/protocol"
import { z } from "zod"
import type { Access, AccessOptions } from "../api-options.ts"
import { isSecure } from "../access/check-origin.ts"
import type { SessionCookies } from "../access/session-cookie.ts"
import { addRoute, type Api } from "../http/add-route.ts"

const tag = "keys"
const createKeyRequest = z.object({
  name: z.string().min(1).max(256),
  /** The only project it may use; absent or null: all of them. */
  project: z.string().regex(projectIdPattern).nullish(),
})
const signInRequest = z.object({ key: z.string().min(1).max(512) })
const keyParams = z.object({ id: z.string().min(1).max(256) })

/** API keys, and the cookie that stands for one in a browser. */
export function addKeyRoutes(
  api: Api,
  options: {
    readonly keyStore: KeyStore
    readonly cookies: SessionCookies
    readonly access: AccessOptions
  },
): void {
  const { keyStore, cookies, access } = options

  addRoute(
    api,
    {
      method: "post",
      path: "/api/keys",
      summary: "Create an API key; its secret is shown once",
      tag,
      body: createKeyRequest,
      status: 201,
      response: keyRecord.extend({ key: z.string() }),
    },
    async (context, { body }) => {
      requireAdmin(context.var.access)
      const project = (body.project ?? null) as ProjectId | null
      const { key, secret } = await keyStore.createKey({ name: body.name, project })
      return context.json({ ...toKeyRecord(key), key: secret }, 201)
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/api/keys",
      summary: "List API keys, without their secrets",
      tag,
      status: 200,
      response: z.object({ keys: z.array(keyRecord), count: z.number() }),
    },
    async (context) => {
      requireAdmin(context.var.access)
      const keys = (await keyStore.listKeys()).map(toKeyRecord)
      return context.json({ keys, count: keys.length })
    },
  )

  addRoute(
    api,
    {
      method: "delete",
      path: "/api/keys/{id}",
      summary: "Delete an API key",
      tag,
      params: keyParams,
      status: 200,
      response: z.object({ deleted: z.string(), success: z.boolean(), id: z.string() }),
    },
    async (context, { params }) => {
      requireAdmin(context.var.access)
      const { id } = params
      if (await keyStore.deleteKey(id)) return context.json({ deleted: id, success: true, id })
      throw new AppError("key_not_found", "There is no such API key. List the keys to find its id.")
    },
  )

  addRoute(
    api,
    {
      method: "post",
      path: "/api/auth/session",
      summary: "Trade an API key for a cookie",
      tag,
      body: signInRequest,
      status: 200,
      response: keyRecord,
    },
    async (context, { body }) => {
      const key = await keyStore.verify(body.key)
      if (key === null) throw new AppError("unauthenticated", "This API key is not valid.")
      context.header(
        "set-cookie",
        await cookies.issue(key.id, { isSecure: isSecure(context.req.raw, access) }),
      )
      return context.json(toKeyRecord(key))
    },
  )

  addRoute(
    api,
    {
      method: "delete",
      path: "/api/auth/session",
      summary: "Give the cookie back",
      tag,
      status: 200,
      response: z.object({ success: z.boolean() }),
    },
    (context) => {
      context.header("set-cookie", cookies.clear())
      return context.json({ success: true })
    },
  )
}

/** Keys are managed with a key of all projects, or without one where none is needed. */
function requireAdmin({ key }: Access): void {
  if (key === null || key.project === null) return
  throw new AppError("forbidden", "This API key belongs to one project and cannot manage keys.")
}

function toKeyRecord(key: ApiKey): z.infer<typeof keyRecord> {
  return { id: key.id, name: key.name, project: key.project, created_at: key.createdAt }
}
