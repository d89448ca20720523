import type { NewEntry } from "../ports/event-log.ts"
import type { UnsentEntry } from "../ports/runner-host.ts"
import { checkRunnerEntry } from "./check-runner-entry.ts"

/**
 * Pure. What a dead runner had spooled and not sent, as entries that follow `lastN` without a hole.
 * A torn or refused line ends it: what comes after could not be numbered.
 */
export function readUnsentEntries(
  unsent: readonly UnsentEntry[],
  lastN: number,
  sessionId: string,
): { readonly entries: readonly NewEntry[]; readonly firstN: number } {
  const entries: NewEntry[] = []
  for (const { n, text } of unsent) {
    if (n <= lastN) continue
    if (n !== lastN + 1 + entries.length) break
    const entry = checkRunnerEntry(text, sessionId)
    if (entry === null) break
    entries.push(entry)
  }
  return { entries, firstN: lastN + 1 }
}
