import { spawn, type ChildProcessByStdio } from "node:child_process"
import type { Socket } from "node:net"
import { AppError } from "@berth/core"

export interface PipeMaker {
  /**
   * Makes new pipes and gives `open` a path for each, by which either end can be opened until it returns. Each
   * holds `pipeFilling` at first. One call at a time.
   */
  make<Value>(open: (paths: readonly string[]) => Value): Promise<Value>
}

/** What a shell writes into the pipe of a here-document. */
export const pipeFilling = "-\n"
/** Shells take descriptors of one digit. */
const fds = [3, 4, 5, 6, 7, 8]

type Helper = ChildProcessByStdio<Socket, Socket, null>

/** A turn per two lines read: it makes the pipes, says so, and lets go of them. It ends with its input. */
const script = [
  "while read -r make; do",
  ...fds.map((fd) => `exec ${fd}<<E\n${pipeFilling}E`),
  "echo",
  "read -r release",
  ...fds.map((fd) => `exec ${fd}<&-`),
  "done",
].join("\n")

/**
 * Node can make no pipes, but a shell makes one for each of its here-documents, and those of another process
 * can be opened through its `/proc/<pid>/fd`. The shell is started on first use and ends with this process.
 */
export function createPipeMaker(): PipeMaker {
  let helper: Helper | null = null

  function start(): Helper {
    const child = spawn("/bin/sh", ["-c", script], {
      stdio: ["pipe", "pipe", "ignore"],
      env: {},
      cwd: "/",
      detached: true,
    }) as Helper
    child.unref()
    child.stdin.unref()
    child.stdin.on("error", () => child.stdout.destroy())
    child.on("error", () => child.stdout.destroy())
    child.stdout.on("close", () => {
      if (helper === child) helper = null
    })
    return child
  }

  return {
    async make(open) {
      helper ??= start()
      const { pid, stdin, stdout } = helper
      stdin.write("\n")
      if (!(await hasSaid(stdout))) {
        throw new AppError("unavailable", "/bin/sh of this host could not be started: run `berth doctor`.")
      }
      try {
        return open(fds.map((fd) => `/proc/${pid}/fd/${fd}`))
      } finally {
        stdin.write("\n")
      }
    },
  }
}

/** False when it ended instead. Only a wait keeps this process from ending. */
function hasSaid(stdout: Socket): Promise<boolean> {
  stdout.ref()
  return new Promise((resolve) => {
    const settle = (said: boolean) => (): void => {
      stdout.removeAllListeners("data")
      stdout.off("close", onClose)
      stdout.unref()
      resolve(said)
    }
    const onClose = settle(false)
    stdout.once("data", settle(true))
    stdout.once("close", onClose)
    if (stdout.destroyed) onClose()
  })
}
