import { AppError } from "@berth/core"
import { followLog } from "../session/follow-log.ts"
import { createJsonRenderer } from "../session/json-renderer.ts"
import { createRenderer } from "../session/renderer.ts"
import type { CommandContext } from "./context.ts"

export interface LogsOptions {
  /** One entry a line, as stored; else as a person reads it. */
  readonly json?: boolean
  readonly follow?: boolean
  /** Entries with a higher seq. */
  readonly after: number
}

/** `berth logs`: what is in the log, and with `follow` what comes. */
export async function showLogs(
  { api, terminal }: CommandContext,
  sessionId: string,
  options: LogsOptions,
): Promise<void> {
  const isJson = options.json === true
  const isFollowing = options.follow === true
  const id = encodeURIComponent(sessionId)
  if (isJson && !isFollowing && options.after === 0) return exportLog({ api, terminal }, id)
  const over = new AbortController()
  const stop = terminal.onInterrupt(() => over.abort())
  const renderer = isJson ? createJsonRenderer(terminal) : createRenderer(terminal, { isOwnKey: () => false })
  try {
    const follow = { sessionId: id, after: options.after, signal: over.signal, isCompact: !isJson }
    for await (const event of followLog(api, follow)) {
      if (event.type === "entry") renderer.show(event.entry, event.text)
      if (event.type === "gap") renderer.say(`entries ${event.from} to ${event.to}: ${event.cause}`, "bad")
      if (event.type === "caught_up" && !isFollowing) return
    }
  } finally {
    renderer.breakLine()
    stop()
    over.abort()
  }
}

/** The whole log in one answer. */
async function exportLog({ api, terminal }: Omit<CommandContext, "config">, id: string): Promise<void> {
  const { body } = await api.open(`/api/sessions/${id}/log.ndjson`)
  if (body === null) throw new AppError("upstream_failed", "The answer has no body.")
  let rest = ""
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) terminal.data(line)
  }
  // An export that was cut must not pass for a whole one.
  if (rest !== "") throw new AppError("unavailable", "The export was cut off; ask for it again.")
}
