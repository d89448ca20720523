import { spawn, type ChildProcess } from "node:child_process"
import { closeSync } from "node:fs"
import { constants } from "node:os"
import { AppError, type ProcessExit, type SandboxProcess } from "@berth/core"
import type { Owner } from "../files/owner.ts"
import { openInput } from "./input-stream.ts"
import { openOutput } from "./output-stream.ts"
import { closeStdio, type StdioPipes } from "./pipe-pool.ts"

/** Why a process was ended by us. */
export type EndReason = "killed" | "aborted" | "disk" | "memory"

export interface StartedProcess extends SandboxProcess {
  /** As `kill`, with the reason that `exited` is to give. The first reason stands. */
  end(reason: EndReason): Promise<void>
}

/** All processes below the one that was started. */
export interface ProcessTree {
  /** Ends it, from its root; the end of the child follows. Never rejects. */
  kill(): Promise<void>
  /** After the child's end: ends what it left behind; resolves when none of that runs. Never rejects. */
  settle(): Promise<void>
}

export interface StartOptions {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly owner: Owner | null
  /** Owned by the process from here on. */
  readonly pipes: StdioPipes
  /** Further descriptors for the child, from 3 on; `ignore` for none. The caller closes them. */
  readonly inherited: readonly (number | "ignore")[]
  readonly tree: (child: { readonly pid: number }) => ProcessTree
  readonly signal: AbortSignal | null
  /** Whether the kernel has ended something of it for want of memory. */
  readonly wasOutOfMemory: () => boolean
}

const signalsByNumber = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))
/** How shells, and bubblewrap, report a death by signal. */
const signalledFrom = 128

/** Starts a process with its streams. `unavailable` when the host cannot. */
export async function startProcess(options: StartOptions): Promise<StartedProcess> {
  const { pipes, signal } = options
  const child = await launch(options)
  const tree = options.tree(child)
  const stdin = openInput(pipes.stdin)
  const stdout = openOutput(pipes.stdout)
  const stderr = openOutput(pipes.stderr)
  let endedBy: EndReason | null = null
  let hasExited = false

  const exited = ended(child).then(async ([code, signalName]) => {
    await tree.settle()
    hasExited = true
    signal?.removeEventListener("abort", onAbort)
    for (const stream of [stdout, stderr, stdin]) stream.finish()
    return exitOf(code, signalName, endedBy, options.wasOutOfMemory)
  })

  async function end(reason: EndReason): Promise<void> {
    if (!hasExited) {
      endedBy ??= reason
      await tree.kill()
    }
    await exited
  }
  function onAbort(): void {
    void end("aborted")
  }
  signal?.addEventListener("abort", onAbort)
  if (signal?.aborted === true) onAbort()

  return {
    stdin: stdin.stream,
    stdout: stdout.stream,
    stderr: stderr.stream,
    exited,
    end,
    kill: () => end("killed"),
  }
}

type RunningChild = ChildProcess & { readonly pid: number }

async function launch(options: StartOptions): Promise<RunningChild> {
  const { pipes, owner } = options
  let cause: unknown
  try {
    const child = spawn(options.file, options.args, {
      stdio: [...pipes.child, ...options.inherited],
      env: options.env,
      cwd: options.cwd,
      // A terminal's Ctrl-C is for us to pass on, not for the sandbox.
      detached: true,
      ...(owner === null ? {} : { uid: owner.uid, gid: owner.gid }),
    })
    if (isRunning(child)) {
      for (const fd of pipes.child) closeSync(fd)
      return child
    }
    cause = await new Promise((resolve) => child.once("error", resolve))
  } catch (error) {
    cause = error
  }
  closeStdio(pipes)
  throw new AppError("unavailable", `${options.file} could not be started: run \`berth doctor\`.`, { cause })
}

function isRunning(child: ChildProcess): child is RunningChild {
  return child.pid !== undefined
}

function ended(child: ChildProcess): Promise<readonly [code: number | null, signal: string | null]> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve([code, signal]))
  })
}

function exitOf(
  code: number | null,
  signal: string | null,
  endedBy: EndReason | null,
  wasOutOfMemory: () => boolean,
): ProcessExit {
  const number = code !== null && code > signalledFrom ? code - signalledFrom : null
  const name = signal ?? (number === null ? null : (signalsByNumber.get(number) ?? null))
  const exit = name === null ? { code, signal: null } : { code: null, signal: name }
  // A process that came to its own end just before ours reached it was not ended by us.
  if (name !== "SIGKILL") return { ...exit, reason: "exited" }
  return { ...exit, reason: endedBy ?? (wasOutOfMemory() ? "memory" : "exited") }
}
