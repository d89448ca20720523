import { notificationParams, type Notification, type NotificationMethod } from "@berth/protocol"
import { z } from "zod"

const place = { seq: z.number().int(), from: z.number().int().optional(), timestamp: z.string() }

const entryShape = z.discriminatedUnion("type", [
  z.object({
    ...place,
    type: z.literal("notification"),
    notification: z.looseObject({ method: z.string(), params: z.unknown() }),
  }),
  z.object({
    ...place,
    type: z.literal("client_message"),
    message: z.looseObject({ method: z.string(), params: z.unknown() }),
    key: z.string(),
  }),
  z.object({ ...place, type: z.literal("spilled"), method: z.string(), size: z.number() }),
])

/** An entry as this program uses it. `unknown`: of a newer server; shown by name. */
export type WireEntry = {
  readonly seq: number
  /** First seq, when the server merged several. */
  readonly from: number
} & (
  | { readonly type: "notification"; readonly notification: Notification }
  | {
      readonly type: "client_message"
      readonly method: string
      readonly params: unknown
      readonly key: string
    }
  | { readonly type: "spilled"; readonly method: string; readonly size: number }
  | { readonly type: "unknown"; readonly method: string }
)

/** One line of the log. Throws when it is none. */
export function parseEntry(text: string): WireEntry {
  const entry = entryShape.parse(JSON.parse(text))
  const at = { seq: entry.seq, from: entry.from ?? entry.seq }
  switch (entry.type) {
    case "notification": {
      const { method, params } = entry.notification
      const notification = parseNotification(method, params)
      return notification === null
        ? { ...at, type: "unknown", method }
        : { ...at, type: "notification", notification }
    }
    case "client_message":
      return { ...at, type: "client_message", ...entry.message, key: entry.key }
    case "spilled":
      return { ...at, type: "spilled", method: entry.method, size: entry.size }
  }
}

function parseNotification(method: string, params: unknown): Notification | null {
  if (!isKnown(method)) return null
  const parsed = notificationParams[method].safeParse(params)
  return parsed.success ? ({ jsonrpc: "2.0", method, params: parsed.data } as Notification) : null
}

function isKnown(method: string): method is NotificationMethod {
  return Object.hasOwn(notificationParams, method)
}
