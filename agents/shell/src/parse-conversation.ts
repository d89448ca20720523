import type { Conversation, PastTurn } from "./conversation.ts"
import { modeIds } from "./modes.ts"
import type { Piece } from "./output-pieces.ts"

/** Null for what is no conversation. */
export function parseConversation(text: string): Conversation | null {
  const value = parseJson(text)
  if (!isRecord(value) || !isRecord(value["shell"])) return null
  const { mode, turns } = value
  const { cwd, env, unset, definitions } = value["shell"]
  const knownMode = modeIds.find((id) => id === mode)
  if (knownMode === undefined || typeof turns !== "number" || typeof cwd !== "string") return null
  if (!isRecord(env) || !isStrings(unset) || !isStrings(definitions)) return null
  const texts = Object.entries(env).filter((pair): pair is [string, string] => typeof pair[1] === "string")
  return { mode: knownMode, turns, shell: { cwd, env: Object.fromEntries(texts), unset, definitions } }
}

/** Null for what is no past turn: a line that a crash cut off. */
export function parsePastTurn(line: string): PastTurn | null {
  const value = parseJson(line)
  if (!isRecord(value) || !Array.isArray(value["output"])) return null
  const { toolCallId, script, status, exitCode } = value
  if (typeof toolCallId !== "string" || typeof script !== "string") return null
  const output = value["output"].flatMap((piece: unknown): Piece[] => {
    if (!isRecord(piece) || typeof piece["text"] !== "string") return []
    return [{ stream: piece["stream"] === "stderr" ? "stderr" : "stdout", text: piece["text"] }]
  })
  return {
    toolCallId,
    script,
    status: status === "completed" ? "completed" : "failed",
    exitCode: typeof exitCode === "number" ? exitCode : null,
    output,
  }
}

/** Undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string")
}
