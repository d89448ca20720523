import type { LogPage } from "../ports/event-log.ts"

/** Page size of tails: large enough to replay fast, small enough to hold many readers in memory. */
export const tailPageEntries = 1000

export interface TailSource {
  read(after: number, limit: number): Promise<LogPage>
  /** Calls back, at least once, after any later commit, close or trim; the answer unsubscribes. */
  subscribe(wake: () => void): () => void
}

/**
 * The `tail` of every store that can call back: read a page, yield it, wait when there is none. It
 * holds one cursor a reader and no entries.
 */
export async function* tailLog(
  source: TailSource,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<LogPage, void, undefined> {
  let cursor = after
  let isDirty = true
  let wake: () => void = () => {}
  const onChange = (): void => {
    isDirty = true
    wake()
  }
  const unsubscribe = source.subscribe(onChange)
  signal.addEventListener("abort", onChange, { once: true })
  try {
    while (!signal.aborted) {
      isDirty = false
      const page = await source.read(cursor, tailPageEntries)
      const last = page.entries.at(-1)
      if (last !== undefined || page.trimmedTo > cursor) {
        cursor = last?.seq ?? page.trimmedTo
        yield page
        continue
      }
      if (page.closed && cursor >= page.headSeq) return
      if (!isDirty && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    unsubscribe()
    signal.removeEventListener("abort", onChange)
  }
}
