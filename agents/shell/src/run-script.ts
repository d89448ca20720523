import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { setImmediate, setTimeout as sleep } from "node:timers/promises"
import { bashDriver, parseShellState, type ShellState } from "./bash-driver.ts"
import type { OutputStream } from "./output-pieces.ts"
import { endTree, isTreeAlive } from "./process-tree.ts"

export interface ScriptRun {
  readonly script: string
  readonly state: ShellState
  /** The environment that `state.env` differs from. */
  readonly baseEnv: Readonly<Record<string, string>>
  /** Ends the whole process tree. */
  readonly signal: AbortSignal
  /** Awaited: a slow reader slows the script down, and nothing piles up here. */
  readonly onOutput: (stream: OutputStream, text: string) => Promise<void>
}

export interface ScriptResult {
  /** Null when ended by a signal. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** What the next script starts with; null when bash could not say, so nothing changes. */
  readonly state: ShellState | null
  /** The leader of processes that live on in the background, their output unread; else null. */
  readonly background: number | null
  /** All that the script started leads back to it, by process group, session or parent. */
  readonly leader: number
}

/** After bash's end: silence of this length means that a background process holds its output open. */
const quietMs = 50
/** After bash's end: how long a background process is listened to that does not fall silent. */
const talkMaxMs = 500

/** Runs one script to its end. Rejects when bash cannot be started, or `onOutput` fails. */
export async function runScript(run: ScriptRun): Promise<ScriptResult> {
  const directory = await mkdtemp(join(tmpdir(), "berth-shell-"))
  const paths = {
    definitions: join(directory, "definitions"),
    script: join(directory, "script"),
    state: join(directory, "state"),
  }
  try {
    await writeFile(paths.definitions, run.state.definitions.join("\n"))
    await writeFile(paths.script, run.script)
    const ended = await runBash(bashDriver(paths), run)
    const text = await readFile(paths.state, "utf8").catch(() => "")
    return { ...ended, state: parseShellState(text, run.baseEnv) }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function runBash(driver: string, run: ScriptRun): Promise<Omit<ScriptResult, "state">> {
  const env: Record<string, string> = { ...run.baseEnv, ...run.state.env }
  for (const name of run.state.unset) delete env[name]
  const child = spawn("/bin/bash", ["--noprofile", "--norc", "-c", driver, "bash"], {
    cwd: run.state.cwd,
    env,
    // A session and process group of its own: what a cancel ends.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  })
  await once(child, "spawn")
  const leader = child.pid ?? 0
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)
  const outputs = [
    follow(child.stdout, (text) => run.onOutput("stdout", text), failure.reject),
    follow(child.stderr, (text) => run.onOutput("stderr", text), failure.reject),
  ]
  const end = (): void => {
    endTree(leader).catch(failure.reject)
  }
  const mayTalkOn = (): boolean => run.signal.aborted || isTreeAlive(leader)
  run.signal.addEventListener("abort", end)
  if (run.signal.aborted) end()
  try {
    const [exitCode, signal] = await Promise.race([exited, failure.promise])
    if (run.signal.aborted) await endTree(leader)
    const isHeldOpen = await Promise.race([settle(outputs, mayTalkOn), failure.promise])
    return { exitCode, signal, background: isHeldOpen ? leader : null, leader }
  } catch (error) {
    await endTree(leader)
    throw error
  } finally {
    run.signal.removeEventListener("abort", end)
    release(child, outputs)
  }
}

interface Followed {
  readonly ended: Promise<void>
  /** Counts reads; unchanged means quiet. */
  readonly reads: () => number
  readonly isBusy: () => boolean
  /** Reads on and drops it: a background process must not meet a closed pipe. */
  readonly drop: () => void
}

function follow(
  stream: Readable,
  onText: (text: string) => Promise<void>,
  onFailure: (reason: unknown) => void,
): Followed {
  const decoder = new TextDecoder()
  const ended = Promise.withResolvers<void>()
  let reads = 0
  let isBusy = false
  const deliver = (text: string, then: () => void): void => {
    isBusy = true
    onText(text).then(() => {
      isBusy = false
      then()
    }, onFailure)
  }
  const onData = (bytes: Buffer): void => {
    reads += 1
    stream.pause()
    const text = decoder.decode(bytes, { stream: true })
    deliver(text, () => stream.resume())
  }
  stream.on("data", onData)
  stream.on("end", () => deliver(decoder.decode(), ended.resolve))
  stream.on("error", onFailure)
  return {
    ended: ended.promise,
    reads: () => reads,
    isBusy: () => isBusy,
    drop() {
      stream.off("data", onData)
      stream.resume()
    },
  }
}

/**
 * Waits for the end of all output. True when something in the background holds it open: it is quiet
 * though nobody here is slow, or it goes on and on.
 */
async function settle(outputs: readonly Followed[], mayTalkOn: () => boolean): Promise<boolean> {
  const ended = Promise.all(outputs.map((output) => output.ended)).then(() => true)
  const reads = (): number => outputs.reduce((sum, output) => sum + output.reads(), 0)
  const deadline = performance.now() + talkMaxMs
  for (;;) {
    const before = reads()
    if (await Promise.race([ended, sleep(quietMs, false)])) return false
    // One round of reading, so that a late timer is not taken for silence.
    await setImmediate()
    if (performance.now() > deadline && mayTalkOn()) return true
    if (before === reads() && outputs.every((output) => !output.isBusy())) return true
  }
}

function release(child: ChildProcess, outputs: readonly Followed[]): void {
  for (const output of outputs) output.drop()
  child.unref()
}
