import { readFileSync, readdirSync } from "node:fs"
import { hasErrno } from "../has-errno.ts"

/** One process of the host, as far as we can see it. */
export interface HostProcess {
  readonly pid: number
  readonly parent: number
  /** Real uid. */
  readonly uid: number
  readonly residentBytes: number
}

/** Every process of the host. Some 20 µs each. */
export function hostProcesses(): readonly HostProcess[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []))
}

/** Null when it is gone. A zombie, which holds nothing any more, counts as gone. */
export function readProcess(pid: number): HostProcess | null {
  const text = readOrNull(`/proc/${pid}/status`)
  if (text === null || /^State:\s+[ZX]/m.test(text)) return null
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0)
  return { pid, parent: field("PPid"), uid: field("Uid"), residentBytes: field("VmRSS") * 1024 }
}

/** Those of `all` that have `marker` among their arguments, and everything below them. */
export function markedProcesses(all: readonly HostProcess[], marker: string): readonly HostProcess[] {
  const isMarked = ({ pid }: HostProcess): boolean =>
    readOrNull(`/proc/${pid}/cmdline`)?.split("\0").includes(marker) ?? false
  const found = new Set(all.filter(isMarked).map(({ pid }) => pid))
  for (let before = -1; before !== found.size;) {
    before = found.size
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid)
  }
  return all.filter(({ pid }) => found.has(pid))
}

/** Those of `all` that were started with this variable in their environment. */
export function processesWith(
  all: readonly HostProcess[],
  [name, value]: readonly [name: string, value: string],
): readonly HostProcess[] {
  return all.filter(
    ({ pid }) => readOrNull(`/proc/${pid}/environ`)?.split("\0").includes(`${name}=${value}`) ?? false,
  )
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH", "EACCES", "EPERM")) return null
    throw error
  }
}
