import type { Notification } from "@berth/protocol"
import type { NewEntry } from "../ports/event-log.ts"

/** An entry of our side. */
export function serverEntry(
  notification: Notification extends infer Each
    ? Each extends Notification
      ? Omit<Each, "jsonrpc">
      : never
    : never,
): NewEntry {
  const full = { jsonrpc: "2.0", ...notification } as Notification
  return { origin: "server", body: { type: "notification", notification: full } }
}
