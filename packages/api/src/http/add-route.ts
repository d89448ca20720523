import { AppError } from "@berth/core"
import { errorBody } from "@berth/protocol"
import type { OpenAPIHono } from "@hono/zod-openapi"
import { z } from "zod"
import type { ApiContext, ApiEnv } from "../api-options.ts"
import { checkShape } from "./check-shape.ts"
import { readJson } from "./read-json.ts"

export type Api = OpenAPIHono<ApiEnv>
type Method = "get" | "put" | "post" | "patch" | "delete"
type Shape = z.ZodObject | undefined
type Checked<Schema extends z.ZodType | undefined> = Schema extends z.ZodType ? z.infer<Schema> : undefined

export interface RouteDefinition<
  Params extends Shape,
  Query extends Shape,
  Body extends z.ZodType | undefined,
> {
  readonly method: Method
  /** As OpenAPI writes it: `/api/sessions/{id}`. A last `{path}` takes the rest, slashes included. */
  readonly path: string
  /** More paths for the same thing, left out of the description. */
  readonly aliases?: readonly string[]
  readonly summary: string
  readonly tag: string
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** Whether an absent body counts as `{}`. */
  readonly isBodyOptional?: boolean
  readonly status: number
  /** A JSON answer's schema, or the media type of any other. */
  readonly response: z.ZodType | string
}

/** Checks what comes in against the definition, which is also what `/openapi.json` says. */
export function addRoute<
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  api: Api,
  definition: RouteDefinition<Params, Query, Body>,
  handle: (
    context: ApiContext,
    input: { params: Checked<Params>; query: Checked<Query>; body: Checked<Body> },
  ) => Promise<Response> | Response,
): void {
  describe(api, definition)
  const { params, query, body } = definition
  const paths = [definition.path, ...(definition.aliases ?? [])].map(toHonoPath)
  api.on(definition.method, paths, async (context: ApiContext) => {
    const isOptional = definition.isBodyOptional ?? false
    const given = body === undefined ? undefined : await readJson(context.req.raw, { isOptional })
    return handle(context, {
      params: check(params, context.req.param()),
      query: check(query, context.req.query()),
      body: check(body, given),
    })
  })
}

/** To be called when all routes are there: other methods on their paths are told which ones work. */
export function refuseOtherMethods(api: Api): void {
  const allowed = new Map<string, Set<string>>()
  for (const { path, method } of api.routes) {
    if (method === "ALL") continue
    const methods = allowed.get(path) ?? new Set(["OPTIONS"])
    methods.add(method)
    if (method === "GET") methods.add("HEAD")
    allowed.set(path, methods)
  }
  for (const [path, methods] of allowed) {
    const allow = [...methods].toSorted().join(", ")
    api.all(path, (context) => {
      if (context.req.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } })
      throw new AppError("method_not_allowed", `Use one of: ${allow}.`, { details: { allow } })
    })
  }
}

function check<Schema extends z.ZodType | undefined>(
  schema: Schema | undefined,
  value: unknown,
): Checked<Schema> {
  return (schema === undefined ? undefined : checkShape(schema, value)) as Checked<Schema>
}

function toHonoPath(path: string): string {
  return path
    .replace(/\{path\}$/, ":path{.+}")
    .replaceAll(/\{(\w+)\}/g, (whole, name: string) => (whole === "{.+}" ? whole : `:${name}`))
}

function describe(api: Api, definition: RouteDefinition<Shape, Shape, z.ZodType | undefined>): void {
  const { method, path, summary, tag, params, query, body, status, response } = definition
  const content =
    typeof response === "string"
      ? { [response]: { schema: z.string() } }
      : { "application/json": { schema: response } }
  const hasNoBody = status === 204
  api.openAPIRegistry.registerPath({
    method,
    path,
    summary,
    tags: [tag],
    request: {
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body: { content: { "application/json": { schema: body } } } }),
    },
    responses: {
      [status]: hasNoBody ? { description: summary } : { description: summary, content },
      default: { description: "An error", content: { "application/json": { schema: errorBody } } },
    },
  })
}
