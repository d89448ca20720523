import { decodeEntry, encodeEntry } from "@berth/core"
import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import { openLog, readAll, seqs, ttlMs, type LogFixture } from "./log-fixture.ts"
import { emptyHead, entriesOf, newLogId, prompted, said, saidText } from "./sample-entries.ts"

/** create and append. */
export const eventLogWriteTests: SuiteTests<LogFixture> = {
  "create makes an empty log": async ({ log }) => {
    const id = newLogId()
    await log.create(id, emptyHead())
    expect(await log.state(id)).toEqual({
      head: emptyHead(),
      headSeq: 0,
      trimmedTo: 0,
      closed: false,
      lastN: {},
    })
    expect(await log.read(id, 0, 10)).toEqual({ entries: [], headSeq: 0, trimmedTo: 0, closed: false })
  },

  "create refuses an id that was ever used": async ({ log }) => {
    const [live, closed, erased] = [newLogId(), newLogId(), newLogId()]
    for (const id of [live, closed, erased]) await log.create(id, emptyHead())
    await log.close(closed)
    await log.close(erased, { erase: true })
    for (const id of [live, closed, erased]) await refusal(log.create(id, emptyHead()), "conflict")
  },

  "of two that create one id, one does": async ({ log }) => {
    const id = newLogId()
    const results = await Promise.allSettled([log.create(id, emptyHead()), log.create(id, emptyHead())])
    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"])
  },

  "a log that was never made is not found": async ({ log, leases }) => {
    const id = newLogId()
    const { signal } = new AbortController()
    await refusal(log.submit(id, { key: "k", entries: [said("a")] }), "not_found")
    await refusal(log.append(id, 1, [said("a")]), "not_found")
    await refusal(log.read(id, 0, 1), "not_found")
    await refusal(log.tail(id, 0, { signal })[Symbol.asyncIterator]().next(), "not_found")
    await refusal(log.state(id), "not_found")
    await refusal(log.close(id), "not_found")
    await refusal(log.archive(id, 1), "not_found")
    await refusal(leases.claim(id, "a", ttlMs), "not_found")
    await refusal(leases.renew(id, 1, ttlMs), "not_found")
    await refusal(leases.release(id, 1), "not_found")
    await refusal(leases.inspect(id), "not_found")
  },

  "append answers the first and the last seq, dense from 1": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    expect(await log.append(id, epoch, [said("a")])).toEqual({ firstSeq: 1, lastSeq: 1 })
    expect(await log.append(id, epoch, [said("b"), said("c")])).toEqual({ firstSeq: 2, lastSeq: 3 })
    expect((await readAll(fixture, id)).map(({ seq }) => seq)).toEqual([1, 2, 3])
  },

  "append of nothing writes nothing": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    await fixture.log.append(id, epoch, [said("a")])
    expect(await fixture.log.append(id, epoch, [])).toEqual({ firstSeq: 2, lastSeq: 1 })
    expect((await fixture.log.state(id)).headSeq).toBe(1)
  },

  "an entry is stored with its place, byte for byte": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const hostile = `quote " back\\slash \n\r\t\0 \u2028 \ud800 é 世界 🦊 ${"x".repeat(300_000)}`
    const entry = said(hostile)
    await fixture.log.append(id, epoch, [entry])
    const [stored] = await readAll(fixture, id)
    const decoded = decodeEntry(stored?.text ?? "")
    const { timestamp } = decoded
    expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(stored?.text).toBe(encodeEntry({ seq: 1, epoch, timestamp, origin: "sandbox" }, entry.body))
    expect(saidText(decoded)).toBe(hostile)
  },

  "timestamps are the store's clock": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    await fixture.log.append(id, epoch, [said("a")])
    await fixture.advance(5_000)
    await fixture.log.append(id, epoch, [said("b")])
    const [first, second] = entriesOf(await fixture.log.read(id, 0, 2)).map(({ timestamp }) => timestamp)
    const passed = Date.parse(second ?? "") - Date.parse(first ?? "")
    expect(passed).toBeGreaterThanOrEqual(5_000)
    expect(passed).toBeLessThan(60_000)
  },

  "append wants an epoch that was given": async ({ log }) => {
    const id = newLogId()
    await log.create(id, emptyHead())
    for (const epoch of [0, 1, 7]) await refusal(log.append(id, epoch, [said("a")]), "stale_epoch")
  },

  "a newer lease shuts the older one out": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log, leases } = fixture
    const next = await leases.claim(id, "other", ttlMs, { force: true })
    await refusal(log.append(id, epoch, [said("old")]), "stale_epoch")
    await refusal(log.append(id, next.epoch + 1, [said("never given")]), "stale_epoch")
    await log.append(id, next.epoch, [said("new")])
    expect(entriesOf(await log.read(id, 0, 9)).map((entry) => [entry.epoch, saidText(entry)])).toEqual([
      [next.epoch, "new"],
    ])
  },

  "entries of a source are numbered without holes": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const append = (firstN: number, ...texts: readonly string[]) =>
      fixture.log.append(id, epoch, texts.map(said), { source: { generation: 1, firstN } })
    expect(await append(1, "a", "b", "c")).toEqual({ firstSeq: 1, lastSeq: 3 })
    const repeated = await append(1, "a", "b", "c")
    expect(repeated.firstSeq).toBeGreaterThan(repeated.lastSeq)
    expect(await append(3, "c", "d", "e")).toEqual({ firstSeq: 4, lastSeq: 5 })
    const { details } = await refusal(append(7, "g"), "out_of_sequence")
    expect(details).toEqual({ expectedN: 6 })
    expect((await fixture.log.state(id)).lastN).toEqual({ 1: 5 })
    const stored = entriesOf(await fixture.log.read(id, 0, 99))
    expect(stored.map(saidText)).toEqual(["a", "b", "c", "d", "e"])
  },

  "generations count apart, and across leases": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log, leases } = fixture
    await log.append(id, epoch, [said("a"), said("b")], { source: { generation: 1, firstN: 1 } })
    await log.append(id, epoch, [said("c")], { source: { generation: 2, firstN: 1 } })
    await log.append(id, epoch, [said("without a source")])
    const next = await leases.claim(id, "runner", ttlMs)
    await refusal(
      log.append(id, next.epoch, [said("x")], { source: { generation: 1, firstN: 4 } }),
      "out_of_sequence",
    )
    await log.append(id, next.epoch, [said("b"), said("d")], { source: { generation: 1, firstN: 2 } })
    expect((await log.state(id)).lastN).toEqual({ 1: 3, 2: 1 })
    const stored = entriesOf(await log.read(id, 0, 99))
    expect(stored.map(saidText)).toEqual(["a", "b", "c", "without a source", "d"])
  },

  "a refused append moves no counter": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    const source = { generation: 1, firstN: 1 }
    await log.submit(id, { key: "k", entries: [said("a")], once: "taken" })
    await refusal(log.append(id, epoch, [said("b")], { source, ifHead: 0 }), "precondition_failed")
    await refusal(log.append(id, epoch, [said("b")], { source, once: "taken" }), "already_answered")
    await refusal(log.append(id, epoch + 1, [said("b")], { source }), "stale_epoch")
    const { lastN, headSeq } = await log.state(id)
    expect([lastN, headSeq]).toEqual([{}, 1])
  },

  "a repeated append is known again, although it took the name itself": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const append = () =>
      fixture.log.append(id, epoch, [said("a")], { source: { generation: 1, firstN: 1 }, once: "answer/1" })
    await append()
    const repeated = await append()
    expect(repeated.firstSeq).toBeGreaterThan(repeated.lastSeq)
  },

  "append with ifHead is refused once the log moved": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    expect(await log.append(id, epoch, [said("a")], { ifHead: 0 })).toEqual({ firstSeq: 1, lastSeq: 1 })
    const { details } = await refusal(
      log.append(id, epoch, [said("b")], { ifHead: 0 }),
      "precondition_failed",
    )
    expect(details).toEqual({ headSeq: 1 })
    expect((await log.state(id)).headSeq).toBe(1)
  },

  "many appends at once keep the log dense, and each call's entries together": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const calls = Array.from({ length: 60 }, (_, index) => index)
    const results = await Promise.all(
      calls.map((call) => fixture.log.append(id, epoch, [said(`${call}/0`), said(`${call}/1`)])),
    )
    const stored = (await readAll(fixture, id)).map(({ text }) => saidText(decodeEntry(text)))
    expect(stored).toHaveLength(120)
    for (const [call, { firstSeq, lastSeq }] of results.entries()) {
      expect(lastSeq).toBe(firstSeq + 1)
      expect(stored.slice(firstSeq - 1, lastSeq)).toEqual([`${call}/0`, `${call}/1`])
    }
  },

  "one that is refused leaves its neighbours alone": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    const results = await Promise.allSettled([
      log.append(id, epoch, [said("a")]),
      log.append(id, epoch + 1, [said("stale")]),
      log.append(newLogId(), epoch, [said("nowhere")]),
      log.append(id, epoch, [said("hole")], { source: { generation: 1, firstN: 2 } }),
      log.append(id, epoch, [said("b")]),
    ])
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "rejected",
      "rejected",
      "fulfilled",
    ])
    expect(new Set(entriesOf(await log.read(id, 0, 9)).map(saidText))).toEqual(new Set(["a", "b"]))
  },

  "logs are strangers to each other": async (fixture) => {
    const [one, two] = [await openLog(fixture), await openLog(fixture)]
    const { log } = fixture
    await log.append(one.id, one.epoch, [said("a")], { source: { generation: 1, firstN: 1 }, once: "n" })
    await log.append(two.id, two.epoch, [said("b")], { source: { generation: 1, firstN: 1 }, once: "n" })
    expect(entriesOf(await log.read(one.id, 0, 9)).map(saidText)).toEqual(["a"])
    expect(entriesOf(await log.read(two.id, 0, 9)).map(saidText)).toEqual(["b"])
    await log.close(one.id, { erase: true })
    expect(entriesOf(await log.read(two.id, 0, 9)).map(saidText)).toEqual(["b"])
  },

  "what was acknowledged is there after the store is opened again": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    await log.append(id, epoch, [said("a"), said("b")], { source: { generation: 3, firstN: 1 }, once: "n" })
    await log.submit(id, { key: "k", entries: [prompted("c", "k")] })
    const [before, state] = [await readAll(fixture, id), await log.state(id)]
    const again = await fixture.reopen()
    expect(await readAll(again, id)).toEqual(before)
    expect(await again.log.state(id)).toEqual(state)
    expect(await again.log.submit(id, { key: "k", entries: [said("c")] })).toEqual({ seq: 3, isNew: false })
    await refusal(again.log.append(id, epoch, [said("x")], { once: "n" }), "already_answered")
    const repeated = await again.log.append(id, epoch, [said("b")], { source: { generation: 3, firstN: 2 } })
    expect(repeated.firstSeq).toBeGreaterThan(repeated.lastSeq)
    expect(await again.log.append(id, epoch, [said("d")])).toEqual({ firstSeq: 5, lastSeq: 5 })
    expect((await readAll(again, id)).map(({ seq }) => seq)).toEqual(seqs(1, 5))
  },
}
