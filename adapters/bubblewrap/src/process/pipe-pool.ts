import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { closeSync, constants, fchownSync, mkdirSync, openSync, rmSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Owner } from "../files/owner.ts"
import { findProgram } from "../host/find-program.ts"

const run = promisify(execFile)

/** Both ends of the three standard streams of a process to come. */
export interface StdioPipes {
  /** Descriptors for the child: stdin, stdout, stderr. */
  readonly child: readonly [number, number, number]
  /** Ours; they do not block. */
  readonly stdin: number
  readonly stdout: number
  readonly stderr: number
}

export interface PipePool {
  /** The caller closes all of them. `owner` may open them again, as `/dev/stdout`. */
  take(owner: Owner | null): Promise<StdioPipes>
  /** Makes sure, in the background, that the next `take` need not wait. */
  prepare(): Promise<void>
}

interface Pipe {
  readonly readEnd: number
  readonly writeEnd: number
}

const batch = 4
const fewest = 2

/**
 * Real pipes. Node itself connects children by socket pairs, which a child cannot open again by name:
 * `echo >/dev/stderr` fails. Node can make no pipe either, so `mkfifo` makes some ahead of need in `folder`;
 * they are opened and lose their names at once.
 */
export function createPipePool(folder: string): PipePool {
  const ready: StdioPipes[] = []
  let filling: Promise<void> | null = null

  async function fill(): Promise<void> {
    const place = join(folder, `.berth-pipes-${randomUUID()}`)
    const names = Array.from({ length: batch * 3 }, (_, index) => join(place, String(index)))
    mkdirSync(place, { mode: 0o700 })
    try {
      await run(findProgram("mkfifo") ?? "mkfifo", ["-m", "600", ...names])
      for (let index = 0; index < names.length; index += 3)
        ready.push(openStdio(names.slice(index, index + 3)))
    } finally {
      rmSync(place, { recursive: true })
    }
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
      if (owner !== null) for (const fd of pipes.child) fchownSync(fd, owner.uid, owner.gid)
      return pipes
    },
  }
}

export function closeStdio({ child, stdin, stdout, stderr }: StdioPipes): void {
  for (const fd of [...child, stdin, stdout, stderr]) closeSync(fd)
}

function openStdio(paths: readonly string[]): StdioPipes {
  const [input, output, errors] = paths.map((path, index) => openPipe(path, index === 0 ? "write" : "read"))
  if (input === undefined || output === undefined || errors === undefined) throw new RangeError("three paths")
  return {
    child: [input.readEnd, output.writeEnd, errors.writeEnd],
    stdin: input.writeEnd,
    stdout: output.readEnd,
    stderr: errors.readEnd,
  }
}

/** Our end does not block; the child's does, as a program expects. */
function openPipe(path: string, ours: "read" | "write"): Pipe {
  const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if (ours === "read") return { readEnd: first, writeEnd: openSync(path, constants.O_WRONLY) }
  const writeEnd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const readEnd = openSync(path, constants.O_RDONLY)
  closeSync(first)
  return { readEnd, writeEnd }
}
