import { readFileSync, readlinkSync } from "node:fs"
import type { Clock, Logger } from "@berth/core"
import type { Owner } from "../files/owner.ts"
import { hasErrno } from "../has-errno.ts"
import type { ScratchFile } from "./scratch-file.ts"
import type { ProcessTree } from "./start-process.ts"

export interface NamespaceTreeOptions {
  /** Where bubblewrap writes its `--json-status-fd`. */
  readonly status: ScratchFile
  readonly owner: Owner | null
  readonly clock: Clock
  readonly logger: Logger
}

/** The first process of the sandbox's pid namespace: when it ends, the kernel ends all others there. */
interface NamespaceInit {
  readonly pid: number
  readonly namespace: string
}

const stepMs = 1
/** How long bubblewrap may take to make its namespace before its outer process is ended instead. */
const startMs = 2_000
const settleMs = 10_000

/**
 * The processes of one bubblewrap. Its outer process, our child, ends when the namespace's init has ended,
 * and with it everything inside. Ended itself it would leave the namespace running: the init is what we end.
 */
export function namespaceTree(child: { readonly pid: number }, options: NamespaceTreeOptions): ProcessTree {
  const { status, owner, clock, logger } = options
  let hasEnded = false

  /** True when nothing of the namespace is left. */
  function strikeInit(): boolean {
    const init = readInit(status)
    if (init === null || !isAlive(init, owner)) return true
    strike(init.pid)
    return false
  }

  return {
    async kill() {
      for (const deadline = performance.now() + startMs; !hasEnded && performance.now() < deadline;) {
        if (readInit(status) !== null) {
          strikeInit()
          return
        }
        await clock.sleep(stepMs)
      }
      if (!hasEnded) strike(child.pid)
    },
    async settle() {
      hasEnded = true
      for (const deadline = performance.now() + settleMs; !strikeInit(); await clock.sleep(stepMs)) {
        if (performance.now() < deadline) continue
        logger.error({ pid: child.pid }, "processes of a sandbox do not end")
        break
      }
      status[Symbol.dispose]()
    },
  }
}

/** Null until bubblewrap has written it. */
function readInit(status: ScratchFile): NamespaceInit | null {
  const [line = "", ...rest] = status.read().split("\n")
  if (rest.length === 0) return null
  const value: unknown = JSON.parse(line)
  if (typeof value !== "object" || value === null) return null
  if (!("child-pid" in value) || !("pid-namespace" in value)) return null
  return { pid: Number(value["child-pid"]), namespace: `pid:[${String(value["pid-namespace"])}]` }
}

/** Pids are used again: only a process in that namespace, of that user, is the one. */
function isAlive({ pid, namespace }: NamespaceInit, owner: Owner | null): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) return false
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    if (/^State:\s+[ZX]/m.test(status)) return false
    return owner === null || Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) === owner.uid
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH", "EACCES", "EPERM")) return false
    throw error
  }
}

function strike(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if (!hasErrno(error, "ESRCH", "EPERM")) throw error
  }
}
