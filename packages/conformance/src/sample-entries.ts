import { createHead, decodeEntry, type Head, type LogPage, type NewEntry } from "@berth/core"
import type { Entry, LogId, Notification, SessionId } from "@berth/protocol"

const sessionId = "sess-1"

export function newLogId(): LogId {
  const digits = crypto.getRandomValues(new Uint8Array(26))
  return `log_${Array.from(digits, (digit) => (digit % 36).toString(36)).join("")}` as LogId
}

export function emptyHead(): Head {
  return createHead(sessionId as SessionId)
}

/** An entry that changes no status: what an agent says. */
export function said(text: string): NewEntry {
  const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text } } as const
  return notified({ jsonrpc: "2.0", method: "session/update", params: { sessionId, update } })
}

export function notified(notification: Notification, origin: NewEntry["origin"] = "sandbox"): NewEntry {
  return { origin, body: { type: "notification", notification } }
}

/** A command. On a fresh log it changes the status from `created` to `provisioning`. */
export function prompted(text: string, key: string): NewEntry {
  const params = { prompt: [{ type: "text", text }] }
  return {
    origin: "client",
    body: { type: "client_message", message: { jsonrpc: "2.0", method: "session/prompt", params }, key },
  }
}

export function sandboxIs(state: "created" | "attached" | "released", generation: number): NewEntry {
  return notified(
    { jsonrpc: "2.0", method: "_berth/sandbox", params: { sessionId, state, generation } },
    "server",
  )
}

export function commandIs(state: "accepted" | "delivered" | "done", commandSeq: number): NewEntry {
  return notified({
    jsonrpc: "2.0",
    method: "_berth/command_state",
    params: { sessionId, commandSeq, state },
  })
}

export function turnStarted(turnId: string, commandSeq: number): NewEntry {
  return notified({
    jsonrpc: "2.0",
    method: "_berth/turn_started",
    params: { sessionId, turnId, commandSeq },
  })
}

export function turnEnded(turnId: string, commandSeq: number): NewEntry {
  return notified({
    jsonrpc: "2.0",
    method: "_berth/turn_ended",
    params: { sessionId, turnId, commandSeq, outcome: "completed" },
  })
}

export function asked(questionId: string, expiresAt: string | null): NewEntry {
  return notified({
    jsonrpc: "2.0",
    method: "_berth/question",
    params: { sessionId, questionId, kind: "permission", message: "May I?", options: [], expiresAt },
  })
}

export function resolved(questionId: string, by: string): NewEntry {
  return notified(
    {
      jsonrpc: "2.0",
      method: "_berth/question_resolved",
      params: { sessionId, questionId, answer: { optionId: "yes" }, by },
    },
    "server",
  )
}

export function entriesOf(page: LogPage): readonly Entry[] {
  return page.entries.map(({ text }) => decodeEntry(text))
}

/** What `said` put into it; null for any other entry. */
export function saidText(entry: Entry): string | null {
  if (entry.type !== "notification" || entry.notification.method !== "session/update") return null
  const { update } = entry.notification.params
  const { content } = update as { readonly content?: { readonly text?: unknown } }
  return typeof content?.text === "string" ? content.text : null
}
