import type { PermissionPolicy } from "@berth/protocol"
import type { PermissionRequest } from "./agent-connection.ts"

export type Verdict = "allow" | "ask" | "deny"

/** What joins one shell command to another, or runs one inside another. */
const joinsCommands = /[;&|\n\r`<>]|\$\(/

/**
 * Pure. What the session's policy says of a tool call: the first rule that fits holds, `ask` when none
 * does. A rule's `tool` is the call's kind, its name as the agent gives it, or `*`. A pattern is matched
 * against the command where there is one, else the title. An `allow` with a pattern never covers a
 * command that joins others to the one it names: `git *` does not allow `git log; rm -rf .`.
 */
export function judgePermission(policy: PermissionPolicy, request: PermissionRequest): Verdict {
  if (policy === "ask") return "ask"
  if (policy === "auto") return "allow"
  const { toolCall } = request
  const names = toolNames(toolCall)
  const command = commandOf(toolCall)
  const title = textOf(toolCall["title"])
  for (const rule of policy) {
    if (rule.tool !== "*" && !names.includes(rule.tool.toLowerCase())) continue
    if (rule.pattern === undefined) return rule.action
    const matches = createMatcher(rule.pattern)
    if (rule.action !== "allow") {
      if (matches(command ?? "") || matches(title)) return rule.action
    } else if (matches(command ?? title) && !joinsCommands.test(command ?? "")) return "allow"
  }
  return "ask"
}

/** The option that a verdict chooses, or null when the agent offers none for it. */
export function optionFor(verdict: "allow" | "deny", request: PermissionRequest): string | null {
  const kinds = verdict === "allow" ? ["allow_once", "allow_always"] : ["reject_once", "reject_always"]
  for (const kind of kinds) {
    const option = request.options.find((candidate) => candidate.kind === kind)
    if (option !== undefined) return option.optionId
  }
  return null
}

function toolNames(toolCall: PermissionRequest["toolCall"]): readonly string[] {
  const meta = toolCall["_meta"]
  const names = [textOf(toolCall["kind"])]
  if (isRecord(meta)) {
    names.push(textOf(meta["toolName"]))
    for (const own of Object.values(meta)) if (isRecord(own)) names.push(textOf(own["toolName"]))
  }
  return names.filter((name) => name !== "").map((name) => name.toLowerCase())
}

function commandOf(toolCall: PermissionRequest["toolCall"]): string | null {
  const input = toolCall["rawInput"]
  if (!isRecord(input)) return null
  const command = input["command"]
  if (typeof command === "string") return command
  if (Array.isArray(command)) return command.map(String).join(" ")
  for (const field of ["path", "file_path", "url"]) if (typeof input[field] === "string") return input[field]
  return null
}

/** `*` stands for any characters; linear in the text for any pattern. */
function createMatcher(pattern: string): (text: string) => boolean {
  const parts = pattern.split("*")
  const first = parts[0] ?? ""
  const last = parts.at(-1) ?? ""
  if (parts.length === 1) return (text) => text === first
  return (text) => {
    if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) {
      return false
    }
    const end = text.length - last.length
    let at = first.length
    for (const part of parts.slice(1, -1)) {
      const found = text.indexOf(part, at)
      if (found === -1 || found + part.length > end) return false
      at = found + part.length
    }
    return true
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
