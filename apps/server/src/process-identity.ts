import { readFileSync } from "node:fs"

/** A process that cannot be mistaken for a later one with the same id: pid and start time in ticks. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTime: string
}

/** Null when there is no such process, or only its zombie. Source: proc(5), /proc/pid/stat. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    return null
  }
  // The command's name stands in parentheses and may hold spaces; fields count from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const state = fields[0]
  const startTime = fields[19]
  if (startTime === undefined || state === "Z" || state === "X") return null
  return { pid, startTime }
}

export function isProcessAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTime === identity.startTime
}
