import type { AcpUpdate } from "@berth/protocol"

/** Text of an ACP content block; what is not text is named. */
export function contentText(content: unknown): string {
  if (!isRecord(content)) return ""
  if (content["type"] === "text" && typeof content["text"] === "string") return content["text"]
  const uri = typeof content["uri"] === "string" ? ` ${content["uri"]}` : ""
  return `[${String(content["type"])}${uri}]`
}

/** What a tool call shows: text, and the new text of files it changed. */
export function toolText(content: unknown): string {
  if (!Array.isArray(content)) return ""
  return content
    .map((part: unknown) => {
      if (!isRecord(part)) return ""
      if (part["type"] === "content") return contentText(part["content"])
      if (part["type"] === "diff") return `${String(part["path"])}\n${String(part["newText"])}`
      return ""
    })
    .join("\n")
}

export interface ToolView {
  readonly title: string
  readonly status: "pending" | "in_progress" | "completed" | "failed" | null
  /** Exit code or reason, where the agent tells. */
  readonly result: string
}

/** A tool call after an update: fields that are absent stay as they were. */
export function updateTool(
  before: ToolView | undefined,
  update: Extract<AcpUpdate, { sessionUpdate: "tool_call" | "tool_call_update" }>,
): ToolView {
  const { title, status, rawOutput } = update as Readonly<Record<string, unknown>>
  return {
    title: typeof title === "string" ? title : (before?.title ?? "tool"),
    status: isToolStatus(status) ? status : (before?.status ?? null),
    result: rawOutput === undefined ? (before?.result ?? "") : describeResult(rawOutput),
  }
}

function describeResult(rawOutput: unknown): string {
  if (!isRecord(rawOutput)) return ""
  const { exitCode, reason } = rawOutput
  if (typeof reason === "string") return reason
  return typeof exitCode === "number" && exitCode !== 0 ? `exit code ${exitCode}` : ""
}

function isToolStatus(status: unknown): status is NonNullable<ToolView["status"]> {
  return typeof status === "string" && ["pending", "in_progress", "completed", "failed"].includes(status)
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
}
