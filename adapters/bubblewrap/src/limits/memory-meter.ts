import { hasErrno } from "../has-errno.ts"
import { readProcess } from "./process-table.ts"

/**
 * For hosts without control groups: ends the largest of `pids` when together they hold more than the limit,
 * counting memory that they share once for each. True when it did.
 */
export function endLargestProcess(pids: readonly number[], limitMib: number): boolean {
  const processes = pids.map(readProcess).filter((process) => process !== null)
  const total = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0)
  if (total <= limitMib * 1024 * 1024) return false
  const largest = processes.reduce((a, b) => (b.residentBytes > a.residentBytes ? b : a))
  try {
    process.kill(largest.pid, "SIGKILL")
    return true
  } catch (error) {
    if (hasErrno(error, "ESRCH")) return false
    throw error
  }
}
