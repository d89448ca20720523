import type { EventLog, LeaseStore, LogArchive, LogPage, StoredEntry } from "@berth/core"
import type { LogId } from "@berth/protocol"
import type { Fixture } from "./define-suite.ts"
import { emptyHead, newLogId } from "./sample-entries.ts"

/** A log and the leases beside it, over one store of their own. */
export interface LogFixture extends Fixture {
  readonly log: EventLog & LogArchive
  readonly leases: LeaseStore
  /** Moves the store's clock forward. */
  advance(ms: number): Promise<void>
  /** The store as it is after its process ended and another one opened it. Throws when nothing stays. */
  reopen(): Promise<Pick<LogFixture, "log" | "leases">>
}

export const ttlMs = 10_000

/** A new log, with a lease on it. */
export async function openLog(
  fixture: Pick<LogFixture, "log" | "leases">,
): Promise<{ readonly id: LogId; readonly epoch: number }> {
  const id = newLogId()
  await fixture.log.create(id, emptyHead())
  const { epoch } = await fixture.leases.claim(id, "runner", ttlMs)
  return { id, epoch }
}

/** The whole log through pages, or what is left of it. */
export async function readAll(fixture: Pick<LogFixture, "log">, id: LogId): Promise<readonly StoredEntry[]> {
  const entries: StoredEntry[] = []
  let after = 0
  for (;;) {
    const page = await fixture.log.read(id, after, 700)
    const last = page.entries.at(-1)
    if (last === undefined) return entries
    entries.push(...page.entries)
    after = last.seq
  }
}

/** Follows until `isDone` says so of all the entries seen, or the tail ends. */
export async function follow(
  tail: AsyncIterable<LogPage>,
  isDone: (entries: readonly StoredEntry[]) => boolean,
): Promise<readonly StoredEntry[]> {
  const entries: StoredEntry[] = []
  for await (const page of tail) {
    entries.push(...page.entries)
    if (isDone(entries)) break
  }
  return entries
}

/** The seqs from `first` to `last`. */
export function seqs(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}
