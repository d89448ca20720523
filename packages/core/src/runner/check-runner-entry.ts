import { notificationParams, runnerMethods, type EntryBody, type Notification } from "@berth/protocol"
import { isDeeperThan, maxJsonDepth } from "../log/json-depth.ts"
import type { NewEntry } from "../ports/event-log.ts"

const allowed: ReadonlySet<string> = new Set(runnerMethods)

/**
 * Pure. One line from a runner as an entry of origin `sandbox`, or null when it is not one that a
 * runner may write: not JSON, not a notification, a method of our side, or parameters out of shape.
 * The session named in it is ours, whatever the line says.
 */
export function checkRunnerEntry(text: string, sessionId: string): NewEntry | null {
  if (isDeeperThan(text, maxJsonDepth)) return null
  const body = parseJson(text)
  if (!isRecord(body) || body["type"] !== "notification" || !isRecord(body["notification"])) return null
  const { method, params } = body["notification"]
  if (typeof method !== "string" || !isRunnerMethod(method) || !isRecord(params)) return null
  const checked = notificationParams[method].safeParse({ ...params, sessionId })
  if (!checked.success) return null
  const notification = withOutputUrl({ jsonrpc: "2.0", method, params: checked.data } as Notification)
  const entry: EntryBody = { type: "notification", notification }
  return { origin: "sandbox", body: entry }
}

/** The address of an artifact is ours to say: a sandbox could name any other. */
function withOutputUrl(notification: Notification): Notification {
  if (notification.method !== "_berth/artifact") return notification
  const { params } = notification
  const path = params.path.split("/").map(encodeURIComponent).join("/")
  return { ...notification, params: { ...params, url: `/outputs/${params.sessionId}/${path}` } }
}

function isRunnerMethod(method: string): method is keyof typeof notificationParams {
  return allowed.has(method)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
