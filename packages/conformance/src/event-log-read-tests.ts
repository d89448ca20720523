import { decodeEntry, pageCharacters, type LogPage, type StoredEntry } from "@berth/core"
import type { LogId } from "@berth/protocol"
import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import { follow, openLog, readAll, seqs, ttlMs, type LogFixture } from "./log-fixture.ts"
import { emptyHead, prompted, said, saidText } from "./sample-entries.ts"

/** read, tail, close and archive. */
export const eventLogReadTests: SuiteTests<LogFixture> = {
  "read pages through the log": async (fixture) => {
    const { id } = await filled(fixture, 25)
    const { log } = fixture
    const page = async (after: number, limit: number) => {
      const { entries, ...rest } = await log.read(id, after, limit)
      expect(rest).toEqual({ headSeq: 25, trimmedTo: 0, closed: false })
      return entries.map(({ seq }) => seq)
    }
    expect(await page(0, 10)).toEqual(seqs(1, 10))
    expect(await page(10, 10)).toEqual(seqs(11, 20))
    expect(await page(20, 10)).toEqual(seqs(21, 25))
    expect(await page(25, 10)).toEqual([])
    expect(await page(1_000, 10)).toEqual([])
    expect(await page(0, 1)).toEqual([1])
  },

  "a page of large entries ends early, and nothing is left out": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const size = 100_000
    for (let batch = 0; batch < 10; batch += 1) {
      const entries = Array.from({ length: 9 }, () => said("x".repeat(size)))
      await fixture.log.append(id, epoch, entries)
    }
    const page = await fixture.log.read(id, 0, 90)
    expect(page.entries.length).toBeGreaterThan(0)
    expect(page.entries.length * size).toBeLessThanOrEqual(pageCharacters + size)
    expect(page.headSeq).toBe(90)
    expect((await readAll(fixture, id)).map(({ seq }) => seq)).toEqual(seqs(1, 90))
    const { signal } = new AbortController()
    const followed = await follow(fixture.log.tail(id, 0, { signal }), (entries) => entries.length === 90)
    expect(followed.map(({ seq }) => seq)).toEqual(seqs(1, 90))
  },

  "a tail yields what is there and then what comes": async (fixture) => {
    const { id, epoch } = await filled(fixture, 3)
    const abort = new AbortController()
    const tail = fixture.log.tail(id, 1, abort)
    const seen = follow(tail, (entries) => entries.length === 4)
    await fixture.log.append(id, epoch, [said("four")])
    await fixture.log.submit(id, { key: "k", entries: [said("five")] })
    expect((await seen).map(({ seq }) => seq)).toEqual(seqs(2, 5))
  },

  "a tail that waits is woken": async (fixture) => {
    const { id, epoch } = await filled(fixture, 1)
    const { signal } = new AbortController()
    const tail = fixture.log.tail(id, 1, { signal })[Symbol.asyncIterator]()
    const first = tail.next()
    await fixture.log.state(id)
    await fixture.log.append(id, epoch, [said("a"), said("b")])
    expect(seqsOf(await first)).toEqual([2, 3])
    const second = tail.next()
    await fixture.log.append(id, epoch, [said("c")])
    expect(seqsOf(await second)).toEqual([4])
    await tail.return?.()
  },

  "tails see each entry once and in order while many write": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { signal } = new AbortController()
    const total = 600
    const readers = Array.from({ length: 3 }, () =>
      follow(fixture.log.tail(id, 0, { signal }), (entries) => entries.length >= total),
    )
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      for (let index = 0; index < total / 20; index += 1) {
        const entry = said(`${writer}/${index}`)
        if (index % 3 === 0) await fixture.log.submit(id, { key: `${writer}/${index}`, entries: [entry] })
        else await fixture.log.append(id, epoch, [entry])
      }
    })
    await Promise.all(writers)
    const stored = await readAll(fixture, id)
    expect(stored.map(({ seq }) => seq)).toEqual(seqs(1, total))
    for (const seen of await Promise.all(readers)) expect(seen).toEqual(stored)
  },

  "pages of a tail hold at most 1,000 entries": async (fixture) => {
    const { id } = await filled(fixture, 2_500)
    const sizes: number[] = []
    const tail = fixture.log.tail(id, 0, new AbortController())
    await follow(recordSizes(tail, sizes), (entries) => entries.length === 2_500)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000)
  },

  "a slow reader gets all of it": async (fixture) => {
    const { id, epoch } = await filled(fixture, 5)
    const { signal } = new AbortController()
    const tail = fixture.log.tail(id, 0, { signal })[Symbol.asyncIterator]()
    const seen = [...(pageOf(await tail.next())?.entries ?? [])]
    // While it is away, more goes by than anything kept in memory for it could hold.
    for (let round = 0; round < 5; round += 1) {
      await fixture.log.append(
        id,
        epoch,
        Array.from({ length: 700 }, () => said("x".repeat(300))),
      )
    }
    while (seen.length < 3_505) seen.push(...(pageOf(await tail.next())?.entries ?? []))
    expect(seen).toEqual(await readAll(fixture, id))
    await tail.return?.()
  },

  "an aborted tail ends": async (fixture) => {
    const { id } = await filled(fixture, 2)
    const abort = new AbortController()
    const waiting = fixture.log.tail(id, 2, abort)[Symbol.asyncIterator]().next()
    await fixture.log.state(id)
    abort.abort()
    expect((await waiting).done).toBe(true)
    expect(await follow(fixture.log.tail(id, 0, abort), () => false)).toEqual([])
  },

  "a reader that leaves in the middle disturbs nobody": async (fixture) => {
    const { id, epoch } = await filled(fixture, 2)
    const { signal } = new AbortController()
    const staying = follow(fixture.log.tail(id, 0, { signal }), (entries) => entries.length === 3)
    await follow(fixture.log.tail(id, 0, { signal }), () => true)
    await fixture.log.append(id, epoch, [said("three")])
    expect((await staying).map(({ seq }) => seq)).toEqual([1, 2, 3])
  },

  "a tail ends after the last entry of a closed log": async (fixture) => {
    const { id } = await filled(fixture, 3)
    const { signal } = new AbortController()
    const live = follow(fixture.log.tail(id, 0, { signal }), () => false)
    const waiting = follow(fixture.log.tail(id, 3, { signal }), () => false)
    await fixture.log.state(id)
    await fixture.log.close(id)
    expect((await live).map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(await waiting).toEqual([])
    const late = await follow(fixture.log.tail(id, 1, { signal }), () => false)
    expect(late.map(({ seq }) => seq)).toEqual([2, 3])
  },

  "many tails of one log see the same": async (fixture) => {
    const { id, epoch } = await filled(fixture, 1)
    const { signal } = new AbortController()
    const readers = Array.from({ length: 200 }, () =>
      follow(fixture.log.tail(id, 0, { signal }), (entries) => entries.length === 4),
    )
    await fixture.log.append(id, epoch, [said("two"), said("three")])
    await fixture.log.append(id, epoch, [said("four")])
    const stored = await readAll(fixture, id)
    for (const seen of await Promise.all(readers)) expect(seen).toEqual(stored)
  },

  "a closed log takes nothing and stays readable": async (fixture) => {
    const { id, epoch } = await filled(fixture, 2)
    const { log, leases } = fixture
    await log.close(id)
    await log.close(id)
    await refusal(log.append(id, epoch, [said("a")]), "log_closed")
    await refusal(log.submit(id, { key: "new", entries: [said("a")] }), "log_closed")
    await refusal(leases.claim(id, "other", ttlMs), "log_closed")
    await refusal(leases.renew(id, epoch, ttlMs), "log_closed")
    expect(await readAll(fixture, id)).toHaveLength(2)
    const { closed, headSeq, lastN } = await log.state(id)
    expect({ closed, headSeq, lastN }).toEqual({ closed: true, headSeq: 2, lastN: { 1: 2 } })
  },

  "erase leaves nothing but the id": async (fixture) => {
    const { id, epoch } = await filled(fixture, 1_200)
    const { log } = fixture
    await log.submit(id, { key: "k", entries: [said("a")], once: "n" })
    await log.close(id)
    await log.close(id, { erase: true })
    await log.close(id, { erase: true })
    const { closed, headSeq, trimmedTo, lastN } = await log.state(id)
    expect({ closed, headSeq, trimmedTo, lastN }).toEqual({
      closed: true,
      headSeq: 1_201,
      trimmedTo: 1_201,
      lastN: {},
    })
    expect((await log.read(id, 0, 10)).entries).toEqual([])
    await refusal(log.submit(id, { key: "k", entries: [said("a")] }), "log_closed")
    await refusal(log.append(id, epoch, [said("a")]), "log_closed")
    await refusal(log.create(id, emptyHead()), "conflict")
    const pages: LogPage[] = []
    for await (const page of log.tail(id, 0, new AbortController())) pages.push(page)
    expect(pages.map(({ entries, trimmedTo: to }) => [entries.length, to])).toEqual([[0, 1_201]])
  },

  "erase ends the tails that wait": async (fixture) => {
    const { id } = await filled(fixture, 2)
    const { signal } = new AbortController()
    const waiting = follow(fixture.log.tail(id, 2, { signal }), () => false)
    await fixture.log.state(id)
    await fixture.log.close(id, { erase: true })
    expect(await waiting).toEqual([])
  },

  "archive drops the old and says so to readers": async (fixture) => {
    const { id, epoch } = await filled(fixture, 10)
    const { log } = fixture
    await log.archive(id, 6)
    await log.archive(id, 6)
    await log.archive(id, 2)
    const page = await log.read(id, 0, 99)
    expect(page.trimmedTo).toBe(6)
    expect(page.entries.map(({ seq }) => seq)).toEqual([7, 8, 9, 10])
    expect((await log.read(id, 8, 99)).entries.map(({ seq }) => seq)).toEqual([9, 10])
    await log.archive(id, 1_000)
    expect((await log.read(id, 0, 99)).trimmedTo).toBe(10)
    expect(await log.append(id, epoch, [said("next")])).toEqual({ firstSeq: 11, lastSeq: 11 })
    const [first] = await readAll(fixture, id)
    expect(first?.seq).toBe(11)
  },

  "what was trimmed still counts": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    await log.submit(id, { key: "k", entries: [prompted("a", "k")], once: "n" })
    await log.append(id, epoch, [said("b")], { source: { generation: 1, firstN: 1 } })
    const { head, lastN } = await log.state(id)
    await log.archive(id, 3)
    expect(await log.state(id)).toMatchObject({ head, lastN, headSeq: 3, trimmedTo: 3 })
    expect((await log.submit(id, { key: "k", entries: [said("a")] })).isNew).toBe(false)
    await refusal(log.append(id, epoch, [said("x")], { once: "n" }), "already_answered")
  },

  "a tail that met trimmed entries gets a page that says so": async (fixture) => {
    const { id } = await filled(fixture, 10)
    await fixture.log.archive(id, 4)
    const { signal } = new AbortController()
    const tail = fixture.log.tail(id, 2, { signal })[Symbol.asyncIterator]()
    const page = pageOf(await tail.next())
    expect(page?.trimmedTo).toBe(4)
    expect(page?.entries.map(({ seq }) => seq)).toEqual(seqs(5, 10))
    await fixture.log.archive(id, 10)
    const waiting = fixture.log.tail(id, 7, { signal })[Symbol.asyncIterator]()
    const gap = pageOf(await waiting.next())
    expect([gap?.trimmedTo, gap?.entries]).toEqual([10, []])
    await tail.return?.()
    await waiting.return?.()
  },
}

async function filled(
  fixture: LogFixture,
  count: number,
): Promise<{ readonly id: LogId; readonly epoch: number }> {
  const { id, epoch } = await openLog(fixture)
  const entries = Array.from({ length: count }, (_, index) => said(String(index + 1)))
  await fixture.log.append(id, epoch, entries, { source: { generation: 1, firstN: 1 } })
  const stored = await readAll(fixture, id)
  expect(stored.map(({ text }) => Number(saidText(decodeEntry(text))))).toEqual(seqs(1, count))
  return { id, epoch }
}

function pageOf(result: IteratorResult<LogPage, unknown>): LogPage | null {
  return result.done === true ? null : result.value
}

function seqsOf(result: IteratorResult<LogPage, unknown>): readonly number[] {
  return (pageOf(result)?.entries ?? []).map(({ seq }: StoredEntry) => seq)
}

async function* recordSizes(tail: AsyncIterable<LogPage>, sizes: number[]): AsyncGenerator<LogPage> {
  for await (const page of tail) {
    sizes.push(page.entries.length)
    yield page
  }
}
