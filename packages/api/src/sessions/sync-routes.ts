import { parseCommand, type SessionService, type SubmitCommand } from "@berth/core"
import { AppError } from "@berth/core"
import { headers, limits, submitted } from "@berth/protocol"
import { z } from "zod"
import { addRoute, type Api } from "../http/add-route.ts"
import { sessionParams } from "./session-routes.ts"

const keyPattern = /^[\x21-\x7e]+$/
const rpcMessage = z.unknown().meta({
  type: "object",
  description: "JSON-RPC 2.0; jsonrpc, id and params.sessionId may be left out.",
  required: ["method"],
  properties: { method: { type: "string" }, params: { type: "object" } },
})

/** Commands in: JSON-RPC, answered once durable. */
export function addSyncRoutes(
  api: Api,
  options: { readonly sessions: SessionService; readonly submitCommand: SubmitCommand },
): void {
  const { sessions, submitCommand } = options
  addRoute(
    api,
    {
      method: "post",
      path: "/api/sessions/{id}/sync",
      aliases: ["/api/sessions/{id}/events"],
      summary: "Submit a command: session/prompt, session/cancel, _berth/answer, …",
      tag: "log",
      params: sessionParams,
      body: rpcMessage,
      status: 202,
      response: submitted,
    },
    async (context, { params, body }) => {
      const { project, by } = context.var.access
      const key = readKey(context.req.header(headers.idempotencyKey))
      const record = await sessions.find(project, params.id)
      const command = parseCommand(body, record.id)
      const { seq } = await submitCommand(record, command, { key, by })
      const { id } = command
      return context.json(id === undefined ? { seq } : { seq, jsonrpc: "2.0", id, result: { seq } }, 202)
    },
  )
}

function readKey(header: string | undefined): string | null {
  if (header === undefined) return null
  if (header.length <= limits.idempotencyKeyLength && keyPattern.test(header)) return header
  throw new AppError(
    "bad_params",
    `An idempotency key has 1 to ${limits.idempotencyKeyLength} visible characters.`,
    {
      details: { path: headers.idempotencyKey },
    },
  )
}
