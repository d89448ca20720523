import type { LogId } from "@berth/protocol"

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). Data is always
 * one line: JSON holds no line breaks.
 */
export function entryFrame(log: LogId, seq: number, text: string): string {
  return `id: ${seq}@${log}\ndata: ${text}\n\n`
}

/** A frame of the stream itself, not of the log. Only a gap moves the reader's cursor, by its `id`. */
export function controlFrame(
  event: "caught_up" | "gap" | "end",
  data: Readonly<Record<string, unknown>>,
  id?: string,
): string {
  const frame = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  return id === undefined ? frame : `id: ${id}\n${frame}`
}

/** Sent at once, so that the head of the answer leaves; browsers reconnect after this many milliseconds. */
export const openingFrame = "retry: 1000\n: open\n\n"
export const heartbeatFrame = ":\n\n"

export const sseHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const
