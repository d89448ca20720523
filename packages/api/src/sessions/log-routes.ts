import type { EventLog, Logger, SessionService, SessionStore } from "@berth/core"
import { limits, type LogId } from "@berth/protocol"
import { z } from "zod"
import { openChatWriter } from "../chat/chat-writer.ts"
import { addRoute, type Api } from "../http/add-route.ts"
import { createByteStream } from "../stream/byte-stream.ts"
import { compactPage } from "../stream/compact-page.ts"
import type { Heartbeat } from "../stream/heartbeat.ts"
import { parseCursor } from "../stream/parse-cursor.ts"
import { entryFrame, heartbeatFrame, sseHeaders } from "../stream/sse-frame.ts"
import { streamLog, type PageWriter } from "../stream/stream-log.ts"
import { sessionParams } from "./session-routes.ts"

const tag = "log"
const flag = z.enum(["0", "1", "true", "false"]).transform((text) => text === "1" || text === "true")
const streamQuery = z.object({
  after: z.string().optional(),
  until: z.literal("idle").optional(),
  compact: flag.optional(),
  format: z.enum(["entries", "chat"]).optional(),
})
const pageQuery = z.object({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(limits.listPageSizeMax).default(limits.listPageSizeMax),
})
const exportPageEntries = 1000

/** The log out: live, by page, and whole. */
export function addLogRoutes(
  api: Api,
  options: {
    readonly sessions: SessionService
    readonly eventLog: EventLog
    readonly sessionStore: SessionStore
    readonly heartbeat: Heartbeat
    readonly logger: Logger
  },
): void {
  const { sessions, eventLog, sessionStore, heartbeat, logger } = options

  addRoute(
    api,
    {
      method: "get",
      path: "/api/sessions/{id}/sync",
      aliases: ["/api/sessions/{id}/events"],
      summary: "Follow a session's log as server-sent events",
      tag,
      params: sessionParams,
      query: streamQuery,
      status: 200,
      response: "text/event-stream",
    },
    async (context, { params, query }) => {
      const { log } = await sessions.find(context.var.access.project, params.id)
      const state = await eventLog.state(log)
      const after = parseCursor(context.req.raw, log, state)
      const write =
        query.format === "chat"
          ? await openChatWriter({ eventLog, log, after })
          : entryWriter(log, query.compact === true)
      const source = { eventLog, sessionStore, log, after, state, untilIdle: query.until === "idle", write }
      const body = createByteStream((signal) => streamLog(source, signal), {
        logger,
        heartbeat,
        beat: heartbeatFrame,
      })
      return new Response(body, { headers: sseHeaders })
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/api/sessions/{id}/log",
      summary: "Read a page of a session's log",
      tag,
      params: sessionParams,
      query: pageQuery,
      status: 200,
      response: z.object({ entries: z.array(z.unknown()), head_seq: z.number() }).loose(),
    },
    async (context, { params, query }) => {
      const { log } = await sessions.find(context.var.access.project, params.id)
      const after = parseCursor(context.req.raw, log, await eventLog.state(log))
      const { entries, headSeq, trimmedTo, closed } = await eventLog.read(log, after, query.limit)
      const place = JSON.stringify({ log_id: log, head_seq: headSeq, trimmed_to: trimmedTo, closed })
      const lines = entries.map((entry) => entry.text).join(",")
      return new Response(`${place.slice(0, -1)},"entries":[${lines}]}`, {
        headers: { "content-type": "application/json" },
      })
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/api/sessions/{id}/log.ndjson",
      summary: "Export a session's whole log",
      tag,
      params: sessionParams,
      status: 200,
      response: "application/x-ndjson",
    },
    async (context, { params }) => {
      const { log } = await sessions.find(context.var.access.project, params.id)
      const { headSeq } = await eventLog.state(log)
      const body = createByteStream(() => exportLog(eventLog, log, headSeq), { logger })
      const disposition = `attachment; filename="${params.id}.ndjson"`
      return new Response(body, {
        headers: { "content-type": "application/x-ndjson", "content-disposition": disposition },
      })
    },
  )
}

function entryWriter(log: LogId, isCompact: boolean): PageWriter {
  return (entries, isReplay) => {
    let frames = ""
    for (const { seq, text } of isCompact && isReplay ? compactPage(entries) : entries) {
      frames += entryFrame(log, seq, text)
    }
    return frames
  }
}

/** As far as the log went when it was asked for: an export ends. */
async function* exportLog(
  eventLog: EventLog,
  log: LogId,
  headSeq: number,
): AsyncGenerator<string, void, undefined> {
  let cursor = 0
  while (cursor < headSeq) {
    const { entries } = await eventLog.read(log, cursor, Math.min(exportPageEntries, headSeq - cursor))
    const last = entries.at(-1)
    if (last === undefined) return
    cursor = last.seq
    yield entries.map((entry) => `${entry.text}\n`).join("")
  }
}
