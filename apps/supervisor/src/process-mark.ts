import { readFileSync } from "node:fs"
import { rename, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** Says who runs here: the pid, and the start time in clock ticks since boot, so that a reused pid is told apart. */
export async function writeProcessMark(directory: string): Promise<void> {
  const path = join(directory, "supervisor.json")
  const mark = JSON.stringify({ pid: process.pid, startTime: startTime() })
  await writeFile(`${path}.new`, mark, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** Field 22 of /proc/self/stat (proc(5)); the second field may hold spaces and ends with the last `)`. */
function startTime(): string {
  const stat = readFileSync("/proc/self/stat", "utf8")
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""
}
