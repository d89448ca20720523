import { spawn, type ChildProcess } from "node:child_process"
import { closeSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { AppError, type Logger } from "@berth/core"
import { identifyProcess, type ProcessIdentity } from "./process-identity.ts"

export interface SupervisorSpawner {
  /** Gives a supervisor its launch document. `onExit` when it has ended. `unavailable` when none starts. */
  launch(stateDirectory: string, document: string, onExit: () => void): ProcessIdentity
  /** Starts one ahead, so that the next launch finds it with its code loaded. */
  prepare(): void
  close(): void
}

const lastWordsLength = 2_000

interface Spare {
  readonly child: ChildProcess
  readonly logPath: string
}

/**
 * Supervisors as detached processes. One is kept ahead: it waits for its document on stdin, holds nothing,
 * and ends by itself when this process is gone and stdin with it.
 */
export function createSupervisorSpawner(options: {
  readonly entry: string
  /** Where the log of one that waits is kept until it belongs to a session. */
  readonly directory: string
  readonly sandboxDirectory: string
  readonly logger: Logger
}): SupervisorSpawner {
  const { entry, directory, logger } = options
  let spare: Spare | null = null
  let count = 0
  // Left by a server that was killed: their supervisors ended with its end of the pipe.
  for (const name of readdirSync(directory).filter((file) => file.startsWith("spare-"))) {
    rmSync(join(directory, name), { force: true })
  }

  const start = (): Spare => {
    count += 1
    const logPath = join(directory, `spare-${process.pid}-${count}.log`)
    const output = openSync(logPath, "a", 0o600)
    // Little garbage at a time keeps each of many supervisors small; the folder lets a spare try the host.
    const args = ["--max-semi-space-size=2", entry, options.sandboxDirectory]
    const child = spawn(process.execPath, args, {
      detached: true,
      stdio: ["pipe", output, output],
      cwd: "/",
      // It needs nothing of our environment, and secrets may be in it.
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" },
    })
    closeSync(output)
    // Without a listener an error of the spawn or of the pipe would end this process; the exit tells enough.
    child.on("error", () => {})
    child.stdin?.on("error", () => {})
    child.unref()
    return { child, logPath }
  }

  const isWaiting = ({ child }: Spare): boolean =>
    child.pid !== undefined && child.exitCode === null && child.signalCode === null

  const discard = ({ child, logPath }: Spare): void => {
    child.stdin?.end()
    rmSync(logPath, { force: true })
  }

  return {
    launch(stateDirectory, document, onExit) {
      const taken = spare !== null && isWaiting(spare) ? spare : start()
      spare = null
      const { child, logPath } = taken
      const identity = child.pid === undefined ? null : identifyProcess(child.pid)
      if (identity === null) {
        discard(taken)
        throw new AppError("unavailable", "The supervisor process could not be started.")
      }
      const ownLog = join(stateDirectory, "supervisor.log")
      child.once("exit", (code) => {
        // Its folder goes with its sandbox: what it said last is kept here.
        if (code !== 0 && code !== null) {
          logger.error({ code, said: lastWords(ownLog) }, "a supervisor failed")
        }
        onExit()
      })
      renameSync(logPath, ownLog)
      child.stdin?.end(document)
      return identity
    },
    prepare() {
      if (spare !== null && isWaiting(spare)) return
      spare = start()
    },
    close() {
      if (spare !== null) discard(spare)
      spare = null
    },
  }
}

function lastWords(path: string): string {
  try {
    return readFileSync(path, "utf8").trim().slice(-lastWordsLength)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
