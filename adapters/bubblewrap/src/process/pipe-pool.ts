import { closeSync, constants, fchownSync, fstatSync, openSync, readSync } from "node:fs"
import { AppError, type Logger } from "@berth/core"
import type { Owner } from "../files/owner.ts"
import { createPipeMaker, pipeFilling } from "./pipe-maker.ts"

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

type Side = "read" | "write"

const fewest = 2

/**
 * Real pipes for the standard streams, made ahead of need. Node itself connects children by socket pairs,
 * which a child cannot open by name: then `echo >/dev/stderr` fails.
 */
export function createPipePool(logger: Logger): PipePool {
  const ready: StdioPipes[] = []
  const maker = createPipeMaker()
  let filling: Promise<void> | null = null

  async function fill(): Promise<void> {
    ready.push(...(await maker.make(openAll)))
  }

  function prepare(): Promise<void> {
    if (ready.length >= fewest) return Promise.resolve()
    filling ??= fill().finally(() => {
      filling = null
    })
    return filling
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

function openAll(paths: readonly string[]): readonly StdioPipes[] {
  const all: StdioPipes[] = []
  for (let index = 0; index + 2 < paths.length; index += 3) {
    const [stdin = "", stdout = "", stderr = ""] = paths.slice(index)
    all.push(openStdio(stdin, stdout, stderr))
  }
  return all
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
      "The shell of this host makes no pipes: install dash, or bash 5.1 or later.",
    )
  }
  readSync(reader, new Uint8Array(pipeFilling.length))
  const writer = openSync(path, constants.O_WRONLY | (side === "write" ? constants.O_NONBLOCK : 0))
  return side === "read" ? { ours: reader, theirs: writer } : { ours: writer, theirs: reader }
}
