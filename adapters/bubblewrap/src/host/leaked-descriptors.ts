import { readFileSync, readdirSync } from "node:fs"
import { hasErrno } from "../has-errno.ts"

const closeOnExec = 0o2000000
const lastStandard = 2

/**
 * Descriptors that a child of this process would inherit unasked. Node opens none of the kind; whoever
 * started this process may have left some.
 */
export function leakedDescriptors(): ReadonlySet<number> {
  const fds = readdirSync("/proc/self/fdinfo").map(Number)
  return new Set(fds.filter((fd) => fd > lastStandard && isInherited(fd)))
}

function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0
  } catch (error) {
    // The one that listed the folder.
    if (hasErrno(error, "ENOENT")) return false
    throw error
  }
}
