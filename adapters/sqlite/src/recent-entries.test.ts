import type { StoredEntry } from "@berth/core"
import type { LogId } from "@berth/protocol"
import { expect, test } from "vitest"
import { createRecentEntries } from "./recent-entries.ts"

const one = "log_1" as LogId
const two = "log_2" as LogId

function entries(first: number, last: number, size = 1): readonly StoredEntry[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({
    seq: first + index,
    text: "x".repeat(size),
  }))
}

function seqs(read: readonly StoredEntry[] | null): readonly number[] | null {
  return read?.map(({ seq }) => seq) ?? null
}

test("it answers from where it begins, and not before", () => {
  const recent = createRecentEntries()
  expect(recent.read(one, 0, 10)).toBeNull()
  recent.push(one, entries(5, 7))
  recent.push(one, entries(8, 9))
  expect(seqs(recent.read(one, 3, 10))).toBeNull()
  expect(seqs(recent.read(one, 4, 10))).toEqual([5, 6, 7, 8, 9])
  expect(seqs(recent.read(one, 6, 2))).toEqual([7, 8])
  expect(seqs(recent.read(one, 9, 10))).toEqual([])
  expect(seqs(recent.read(two, 4, 10))).toBeNull()
  recent.drop(one)
  expect(recent.read(one, 4, 10)).toBeNull()
})

test("it keeps the newest of many", () => {
  const recent = createRecentEntries()
  for (let seq = 1; seq <= 10_000; seq += 1) recent.push(one, entries(seq, seq))
  expect(recent.read(one, 0, 10)).toBeNull()
  expect(seqs(recent.read(one, 9_100, 5_000))).toHaveLength(900)
})

test("large entries leave room for fewer, and the newest always stays whole", () => {
  const recent = createRecentEntries()
  for (let seq = 1; seq <= 20; seq += 1) recent.push(one, entries(seq, seq, 400_000))
  expect(recent.read(one, 0, 10)).toBeNull()
  expect(seqs(recent.read(one, 19, 10))).toEqual([20])
})

test("over all logs, the longest unused goes first", () => {
  const recent = createRecentEntries()
  const logs = Array.from({ length: 40 }, (_, index) => `log_${index}` as LogId)
  for (const log of logs) recent.push(log, entries(1, 1, 1_000_000))
  const kept = logs.filter((log) => recent.read(log, 0, 1) !== null)
  expect(kept.length).toBeGreaterThan(10)
  expect(kept).toEqual(logs.slice(-kept.length))
})
