import { stat } from "node:fs/promises"
import type { PermissionOption, SessionUpdate, StopReason, ToolCall } from "@agentclientprotocol/sdk"
import type { ShellState } from "./bash-driver.ts"
import { createOutputPieces, type Piece } from "./output-pieces.ts"
import { runScript, type ScriptResult } from "./run-script.ts"
import { createOutputUpdates, describeCall } from "./show-turn.ts"

export type Permission = "allow" | "allow_always" | "reject" | "cancelled"

/** What a turn does to the outside. */
export interface TurnPorts {
  readonly baseEnv: Readonly<Record<string, string>>
  update(update: SessionUpdate): Promise<void>
  /** Resolves `cancelled` as soon as `signal` aborts. */
  askPermission(
    call: ToolCall,
    options: readonly PermissionOption[],
    signal: AbortSignal,
  ): Promise<Permission>
  /** Ends what earlier scripts left behind; false when there is nothing of it. */
  endLeftovers(): Promise<boolean>
}

export interface Turn {
  readonly toolCallId: string
  readonly script: string
  readonly mustAsk: boolean
  readonly shell: ShellState
  /** Where to start when the kept folder is gone. */
  readonly fallbackCwd: string
  readonly signal: AbortSignal
}

export interface TurnResult {
  readonly stopReason: StopReason
  readonly status: "completed" | "failed"
  readonly exitCode: number | null
  /** Null: as before. */
  readonly shell: ShellState | null
  readonly output: readonly Piece[]
  /** The leader of what the script may have left behind; null when none ran. */
  readonly leader: number | null
  readonly allowsAlways: boolean
}

const permissionOptions: readonly PermissionOption[] = [
  { optionId: "allow_once", name: "Run", kind: "allow_once" },
  { optionId: "allow_always", name: "Run, and do not ask again", kind: "allow_always" },
  { optionId: "reject_once", name: "Do not run", kind: "reject_once" },
]

/** One prompt: announce, ask, run, report. */
export async function runTurn(turn: Turn, ports: TurnPorts): Promise<TurnResult> {
  const { toolCallId } = turn
  const call = describeCall(toolCallId, turn.script)
  await ports.update({ sessionUpdate: "tool_call", ...call })
  const permission = turn.mustAsk
    ? await ports.askPermission(call, permissionOptions, turn.signal)
    : turn.signal.aborted
      ? "cancelled"
      : "allow"
  if (permission === "reject" || permission === "cancelled") {
    const reason = permission === "reject" ? "rejected" : "cancelled"
    await ports.update({
      sessionUpdate: "tool_call_update",
      toolCallId,
      status: "failed",
      rawOutput: { reason },
    })
    const stopReason = permission === "reject" ? "end_turn" : "cancelled"
    return { ...notRun, stopReason }
  }
  const allowsAlways = permission === "allow_always"
  await ports.update({ sessionUpdate: "tool_call_update", toolCallId, status: "in_progress" })
  const startedAt = performance.now()
  const { result, output } = await runShown(turn, ports)
  const isCancelled = turn.signal.aborted
  const status = result.exitCode === 0 && !isCancelled ? "completed" : "failed"
  await ports.update({
    sessionUpdate: "tool_call_update",
    toolCallId,
    status,
    rawOutput: {
      exitCode: result.exitCode,
      ...(result.signal === null ? {} : { signal: result.signal }),
      ...(isCancelled ? { reason: "cancelled" } : {}),
      durationMs: Math.round(performance.now() - startedAt),
    },
  })
  return {
    stopReason: isCancelled ? "cancelled" : "end_turn",
    status,
    exitCode: result.exitCode,
    shell: result.state,
    output,
    leader: result.leader,
    allowsAlways,
  }
}

const notRun = {
  status: "failed",
  exitCode: null,
  shell: null,
  output: [],
  leader: null,
  allowsAlways: false,
} as const

/** Runs the script with its output shown, and then what there is to say about it. */
async function runShown(
  turn: Turn,
  ports: TurnPorts,
): Promise<{ readonly result: ScriptResult; readonly output: readonly Piece[] }> {
  const pieces = createOutputPieces()
  const toUpdate = createOutputUpdates(turn.toolCallId)
  const output: Piece[] = []
  const show = async (shown: readonly Piece[]): Promise<void> => {
    for (const piece of shown) {
      output.push(piece)
      await ports.update(toUpdate(piece))
    }
  }
  const say = (text: string): Promise<void> => show([{ stream: "stderr", text: `[${text}]\n` }])

  let { shell } = turn
  if (!(await isDirectory(shell.cwd))) {
    await say(`${shell.cwd} is gone: started in ${turn.fallbackCwd}`)
    shell = { ...shell, cwd: turn.fallbackCwd }
  }
  // One at a time: both streams end in one conversation.
  let line = Promise.resolve()
  const run = (): Promise<ScriptResult> =>
    runScript({
      script: turn.script,
      state: shell,
      baseEnv: ports.baseEnv,
      signal: turn.signal,
      onOutput: (stream, text) => {
        line = line.then(() => show(pieces.push(stream, text)))
        return line
      },
    })
  const result = await run().catch(async (error: unknown) => {
    if (!isOutOfProcesses(error) || !(await ports.endLeftovers())) throw error
    await say("no process could be started: what ran in the background was ended")
    return run()
  })
  await line
  await show(pieces.end())
  if (result.background !== null)
    await say("something runs on in the background; its output is no longer shown")
  if (result.signal !== null && !turn.signal.aborted) await say(`ended by ${result.signal}`)
  return { result, output }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (error instanceof Error && "code" in error) return false
    throw error
  }
}

/** What a fork bomb of an earlier prompt leaves of room to start bash: none. */
function isOutOfProcesses(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN"
}
