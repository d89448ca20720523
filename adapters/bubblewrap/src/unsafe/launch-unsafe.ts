import { randomUUID } from "node:crypto"
import type { Clock, Logger } from "@berth/core"
import { findProgram } from "../host/find-program.ts"
import { hasErrno } from "../has-errno.ts"
import { defaultSearchPath, insidePaths, insideUser } from "../inside-paths.ts"
import { hostProcesses, processesWith } from "../limits/process-table.ts"
import type { PipePool } from "../process/pipe-pool.ts"
import { startProcess, type ProcessTree, type StartedProcess } from "../process/start-process.ts"
import { sandboxVariable } from "../sandbox-marker.ts"
import type { Launch } from "../sandbox-kind.ts"
import { openHostRelays } from "./host-relays.ts"
import { hostWords } from "./host-words.ts"

export interface UnsafeHost {
  readonly pipes: PipePool
  readonly clock: Clock
  readonly logger: Logger
}

const stepMs = 1
const settleMs = 10_000

/** A plain process in the workspace's folder, found again by variables of ours in its environment. */
export async function launchUnsafe(
  host: UnsafeHost,
  { record, argv, options }: Launch,
): Promise<StartedProcess> {
  const sockets = record.folders.find(({ target }) => target === insidePaths.sockets)
  const relays = await openHostRelays(record.forwards, sockets?.source ?? "/nonexistent")
  const local = hostWords(record.folders, relays.ports)
  const mark = ["BERTH_PROCESS", randomUUID()] as const
  const given = { ...baseEnv, ...options.env }
  const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, local(value)]))
  const parentBound = options.dieWithParent === true ? findProgram("setpriv") : null
  const [file = "", ...args] = [
    ...(parentBound === null ? [] : [parentBound, "--pdeathsig", "KILL", "--"]),
    ...argv.map(local),
  ]
  try {
    const process = await startProcess({
      file,
      args,
      env: { ...env, ...Object.fromEntries([mark, sandboxVariable(record.id)]) },
      cwd: local(options.cwd ?? insidePaths.workspace),
      owner: null,
      pipes: await host.pipes.take(null),
      inherited: [],
      tree: (child) => markedTree(child, mark, host),
      signal: options.signal ?? null,
      wasOutOfMemory: () => false,
    })
    void process.exited.then(relays.close)
    return process
  } catch (error) {
    relays.close()
    throw error
  }
}

const baseEnv = {
  PATH: defaultSearchPath,
  HOME: insidePaths.home,
  TMPDIR: insidePaths.temporary,
  USER: insideUser.name,
  LOGNAME: insideUser.name,
  LANG: "C.UTF-8",
}

/** The process group, and whatever has left it and kept its environment. */
function markedTree(
  child: { readonly pid: number },
  mark: readonly [string, string],
  { clock, logger }: UnsafeHost,
): ProcessTree {
  function strikeAll(): boolean {
    const left = processesWith(hostProcesses(), mark)
    for (const { pid } of left) strike(pid)
    return left.length === 0
  }
  return {
    kill() {
      strike(-child.pid)
      strikeAll()
      return Promise.resolve()
    },
    async settle() {
      for (const deadline = performance.now() + settleMs; !strikeAll(); await clock.sleep(stepMs)) {
        if (performance.now() < deadline) continue
        logger.error({ pid: child.pid }, "processes do not end")
        break
      }
    },
  }
}

function strike(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if (!hasErrno(error, "ESRCH", "EPERM")) throw error
  }
}
