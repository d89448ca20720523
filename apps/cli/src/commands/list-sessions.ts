import type { z } from "zod"
import { sessionPage, type sessionRow } from "../api/session-shape.ts"
import { formatTable } from "../terminal/table.ts"
import type { CommandContext } from "./context.ts"
import { agentName } from "./run-prompt.ts"

export interface SessionsOptions {
  readonly limit: number
  readonly status?: string
  readonly agent?: string
  readonly query?: string
  readonly json?: boolean
}

const pageSize = 100

/** `berth sessions`: newest first. */
export async function listSessions(
  { api, terminal }: CommandContext,
  options: SessionsOptions,
): Promise<void> {
  const shown: z.infer<typeof sessionRow>[] = []
  let total = 0
  let cursor: string | undefined
  do {
    const limit = Math.min(pageSize, options.limit - shown.length)
    const query = new URLSearchParams({ limit: String(limit) })
    if (options.status !== undefined) query.set("status", options.status)
    if (options.agent !== undefined) query.set("agent", options.agent)
    if (options.query !== undefined) query.set("q", options.query)
    if (cursor !== undefined) query.set("cursor", cursor)
    const page = await api.request(sessionPage, "GET", `/api/sessions?${query}`)
    shown.push(...page.sessions)
    total = page.total
    cursor = page.next_cursor
  } while (cursor !== undefined && shown.length < options.limit)
  if (options.json === true) {
    for (const session of shown) terminal.data(JSON.stringify(session))
    return
  }
  const rows = shown.map((session) => [
    session.id,
    session.status.replace("_", " "),
    agentName(session),
    session.created_at.replace("T", " ").slice(0, 16),
    String(session.head_seq),
    session.title ?? "",
  ])
  terminal.write(formatTable([["SESSION", "STATUS", "AGENT", "CREATED (UTC)", "ENTRIES", "TITLE"], ...rows]))
  if (total > shown.length) terminal.note(`${shown.length} of ${total}; --limit shows more\n`, "dim")
}
