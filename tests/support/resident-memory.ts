import { readFileSync } from "node:fs"

/** Memory of a process that is in RAM, in MiB. Source: proc(5), VmRSS. */
export function residentMib(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8")
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN) / 1024
}
