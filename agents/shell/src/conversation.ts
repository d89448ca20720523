import { appendFile, mkdir, open, readFile, rename, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { ShellState } from "./bash-driver.ts"
import type { ModeId } from "./modes.ts"
import type { Piece } from "./output-pieces.ts"
import { parseConversation, parsePastTurn } from "./parse-conversation.ts"
import { shortenOutput } from "./shorten-output.ts"

/** What a session starts its next prompt with. */
export interface Conversation {
  readonly mode: ModeId
  /** Prompts so far; the number of the next one's tool call. */
  readonly turns: number
  readonly shell: ShellState
}

/** One prompt as `session/load` shows it again. */
export interface PastTurn {
  readonly toolCallId: string
  readonly script: string
  readonly status: "completed" | "failed"
  readonly exitCode: number | null
  /** Its beginning and, when it was long, its end. */
  readonly output: readonly Piece[]
}

/** Longest output kept per past prompt, in characters; half from each end. */
const pastOutputMax = 32 * 1024
/** Older prompts go when the history is larger; in bytes. */
const historyMax = 4 * 1024 * 1024
/** A larger state is not kept; in characters. */
const stateMax = 1024 * 1024

/**
 * One conversation on disk: `state.json`, replaced as a whole, and `history.jsonl`, appended to. Both
 * travel in the session's snapshots, so a replaced sandbox goes on where this one stopped.
 */
export interface ConversationFiles {
  /** Null when there is no such conversation, or its state cannot be read. */
  load(): Promise<Conversation | null>
  /** False when it is too large to keep; the former state then stays. */
  save(conversation: Conversation): Promise<boolean>
  history(): Promise<readonly PastTurn[]>
  remember(turn: PastTurn): Promise<void>
}

/** `sessionId` must be one of ours (`isSessionId`): it becomes a path. */
export function openConversation(stateDirectory: string, sessionId: string): ConversationFiles {
  const directory = join(stateDirectory, sessionId)
  const statePath = join(directory, "state.json")
  const historyPath = join(directory, "history.jsonl")

  async function replace(path: string, text: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(`${path}.new`, text, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  async function history(): Promise<readonly PastTurn[]> {
    const text = await readOrEmpty(historyPath)
    return text.split("\n").flatMap((line) => parsePastTurn(line) ?? [])
  }

  return {
    async load() {
      return parseConversation(await readOrEmpty(statePath))
    },
    async save(conversation) {
      const text = JSON.stringify(conversation)
      if (text.length > stateMax) return false
      await replace(statePath, text)
      return true
    },
    history,
    async remember(turn) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const isCut = await endsWithinLine(historyPath)
      const line = JSON.stringify({ ...turn, output: shortenOutput(turn.output, pastOutputMax) })
      await appendFile(historyPath, `${isCut ? "\n" : ""}${line}\n`, { mode: 0o600 })
      if ((await stat(historyPath)).size <= historyMax) return
      const turns = await history()
      const kept = turns.slice(Math.ceil(turns.length / 2))
      await replace(historyPath, kept.map((past) => `${JSON.stringify(past)}\n`).join(""))
    },
  }
}

export function isSessionId(text: string): boolean {
  return /^shell-[0-9a-f-]{36}$/.test(text)
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return ""
    throw error
  }
}

/** Whether an earlier append was cut off by a crash. */
async function endsWithinLine(path: string): Promise<boolean> {
  const file = await open(path, "a+", 0o600)
  try {
    const { size } = await file.stat()
    if (size === 0) return false
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    return buffer.toString("latin1") !== "\n"
  } finally {
    await file.close()
  }
}
