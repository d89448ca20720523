import { spawn, type ChildProcessByStdio } from "node:child_process"
import { once } from "node:events"
import { closeSync, constants, fchownSync, fstatSync, openSync, readSync } from "node:fs"
import type { Readable, Writable } from "node:stream"
import { AppError, type Logger } from "@berth/core"
import type { Owner } from "../files/owner.ts"

/** Both ends of the three standard streams of a process to come. */
export interface StdioPipes {
  /** Descriptors for the child: stdin, stdout, stderr. */
  readonly child: readonly [stdin: number, stdout: number, stderr: number]
  /** Ours; they do not block. */
  readonly stdin: number
  readonly stdout: number
  readonly stderr: number
}

export interface PipePool {
  /** The caller closes all of them. `owner` may open them again, as `/dev/stdout`. */
  take(owner: Owner | null): Promise<StdioPipes>
  /** Makes sure that the next `take` need not wait. */
  prepare(): Promise<void>
}

type Helper = ChildProcessByStdio<Writable, Readable, null>
type Side = "read" | "write"

const fewest = 2
/** Descriptors of the helper: shells take one digit only. Twice three streams. */
const helperFds = [3, 4, 5, 6, 7, 8] as const
/** What each pipe holds at first. */
const filling = "-\n"

/**
 * Real pipes. Node itself connects children by socket pairs, which a child cannot open by name: then
 * `echo >/dev/stderr` fails. Node can make no pipe, but a shell makes one for each of its here-documents:
 * a short-lived one makes some ahead of need, and we open them through its `/proc/<pid>/fd`.
 */
export function createPipePool(logger: Logger): PipePool {
  const ready: StdioPipes[] = []
  let isFilling: Promise<void> | null = null

  async function fill(): Promise<void> {
    const helper = startHelper()
    try {
      await Promise.race([once(helper.stdout, "data"), once(helper, "exit")])
      const [a, b, c, d, e, f] = helperFds.map((fd) => `/proc/${helper.pid}/fd/${fd}`)
      if (!a || !b || !c || !d || !e || !f) throw new RangeError("six descriptors")
      ready.push(openStdio(a, b, c), openStdio(d, e, f))
    } finally {
      helper.stdin.destroy()
    }
  }

  function prepare(): Promise<void> {
    if (ready.length >= fewest) return Promise.resolve()
    isFilling ??= fill().finally(() => {
      isFilling = null
    })
    return isFilling
  }

  return {
    prepare,
    async take(owner) {
      let pipes = ready.pop()
      while (pipes === undefined) {
        await prepare()
        pipes = ready.pop()
      }
      prepare().catch((error: unknown) => logger.warn({ error }, "no pipes could be made ahead of need"))
      if (owner !== null) for (const fd of pipes.child) fchownSync(fd, owner.uid, owner.gid)
      return pipes
    },
  }
}

export function closeStdio({ child, stdin, stdout, stderr }: StdioPipes): void {
  for (const fd of [...child, stdin, stdout, stderr]) closeSync(fd)
}

/** Says a line when its pipes are there, and ends with its input. */
function startHelper(): Helper {
  const documents = helperFds.map((fd) => `exec ${fd}<<E\n${filling}E\n`).join("")
  return spawn("/bin/sh", ["-c", `${documents}echo; read -r end`], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {},
    cwd: "/",
  })
}

function openStdio(stdin: string, stdout: string, stderr: string): StdioPipes {
  const [input, output, errors] = [
    openPipe(stdin, "write"),
    openPipe(stdout, "read"),
    openPipe(stderr, "read"),
  ]
  return {
    child: [input.theirs, output.theirs, errors.theirs],
    stdin: input.ours,
    stdout: output.ours,
    stderr: errors.ours,
  }
}

/** Our end does not block; the child's does, as a program expects. */
function openPipe(path: string, side: Side): { readonly ours: number; readonly theirs: number } {
  const reader = openSync(path, constants.O_RDONLY | (side === "read" ? constants.O_NONBLOCK : 0))
  if (!fstatSync(reader).isFIFO()) {
    closeSync(reader)
    throw new AppError(
      "unavailable",
      "The shell of this host makes no pipes: install dash or bash 5.1 or later.",
    )
  }
  readSync(reader, new Uint8Array(filling.length))
  const writer = openSync(path, constants.O_WRONLY | (side === "write" ? constants.O_NONBLOCK : 0))
  return side === "read" ? { ours: reader, theirs: writer } : { ours: writer, theirs: reader }
}
