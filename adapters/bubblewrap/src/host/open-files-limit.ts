import { readFileSync } from "node:fs"

const most = 65_536

/** How many files each sandboxed process may hold open: what this process can hand on, within reason. */
export function openFilesLimit(): number {
  const text = readFileSync("/proc/self/limits", "utf8")
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(text)?.[1]
  return hard === undefined ? most : Math.min(most, Number(hard))
}
