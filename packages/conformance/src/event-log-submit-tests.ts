import { reduceHead } from "@berth/core"
import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import { openLog, ttlMs, type LogFixture } from "./log-fixture.ts"
import {
  asked,
  commandIs,
  emptyHead,
  entriesOf,
  newLogId,
  notified,
  prompted,
  resolved,
  said,
  sandboxIs,
  turnEnded,
  turnStarted,
} from "./sample-entries.ts"

/** submit, `once`, and the head that goes with the entries. */
export const eventLogSubmitTests: SuiteTests<LogFixture> = {
  "submit needs no lease and carries the newest epoch": async ({ log, leases }) => {
    const id = newLogId()
    await log.create(id, emptyHead())
    expect(await log.submit(id, { key: "a", entries: [said("a")] })).toEqual({ seq: 1, isNew: true })
    const { epoch } = await leases.claim(id, "runner", ttlMs)
    expect(await log.submit(id, { key: "b", entries: [said("b")] })).toEqual({ seq: 2, isNew: true })
    await leases.release(id, epoch)
    await log.submit(id, { key: "c", entries: [said("c")] })
    const epochs = entriesOf(await log.read(id, 0, 9)).map((entry) => entry.epoch)
    expect(epochs).toEqual([0, epoch, epoch])
  },

  "submit writes its entries together and answers the first's seq": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    const [one, two] = await Promise.all([
      log.submit(id, { key: "a", entries: [said("a"), said("b")] }),
      log.submit(id, { key: "c", entries: [said("c"), said("d")] }),
      log.append(id, epoch, [said("e")]),
    ])
    const stored = entriesOf(await log.read(id, 0, 9)).map((entry) => JSON.stringify(entry))
    for (const [{ seq }, texts] of [
      [one, ["a", "b"]],
      [two, ["c", "d"]],
    ] as const) {
      for (const [offset, text] of texts.entries()) {
        expect(stored[seq - 1 + offset]).toContain(`"text":"${text}"`)
      }
    }
  },

  "the same key answers with the same seq for the life of the log": async (fixture) => {
    const { id } = await openLog(fixture)
    const { log, leases } = fixture
    const submit = (text: string) => log.submit(id, { key: "k", entries: [said(text)] })
    expect(await submit("a")).toEqual({ seq: 1, isNew: true })
    expect(await submit("another content")).toEqual({ seq: 1, isNew: false })
    await leases.claim(id, "runner", ttlMs)
    await fixture.advance(30 * 86_400_000)
    expect(await submit("a")).toEqual({ seq: 1, isNew: false })
    await log.archive(id, 1)
    expect(await submit("a")).toEqual({ seq: 1, isNew: false })
    await log.close(id)
    expect(await submit("a")).toEqual({ seq: 1, isNew: false })
    expect((await log.state(id)).headSeq).toBe(1)
  },

  "the same key many times at once is written once": async (fixture) => {
    const { id } = await openLog(fixture)
    const submit = () => fixture.log.submit(id, { key: "k", entries: [said("a")] })
    const results = await Promise.all(Array.from({ length: 20 }, submit))
    expect(results.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(results.every(({ seq }) => seq === 1)).toBe(true)
    expect((await fixture.log.state(id)).headSeq).toBe(1)
  },

  "a key of one log says nothing in another": async (fixture) => {
    const [one, two] = [await openLog(fixture), await openLog(fixture)]
    const request = { key: "k", entries: [said("a")] }
    expect((await fixture.log.submit(one.id, request)).isNew).toBe(true)
    expect((await fixture.log.submit(two.id, request)).isNew).toBe(true)
  },

  "a key that the client chose with care to confuse is only a key": async (fixture) => {
    const { id } = await openLog(fixture)
    const keys = ["", "'; --", "a\0b", "a", "A", "\u00e9", "e\u0301", "x".repeat(256)]
    for (const [index, key] of keys.entries()) {
      expect(await fixture.log.submit(id, { key, entries: [said("a")] })).toEqual({
        seq: index + 1,
        isNew: true,
      })
    }
  },

  "a refused submit takes neither its key nor its name": async (fixture) => {
    const { id } = await openLog(fixture)
    const { log } = fixture
    await log.submit(id, { key: "a", entries: [said("a")] })
    const request = { key: "k", entries: [said("b")], once: "answer/1" }
    const { details } = await refusal(log.submit(id, { ...request, ifHead: 0 }), "precondition_failed")
    expect(details).toEqual({ headSeq: 1 })
    expect(await log.submit(id, { ...request, ifHead: 1 })).toEqual({ seq: 2, isNew: true })
  },

  "a submit without entries is refused": async (fixture) => {
    const { id } = await openLog(fixture)
    await refusal(fixture.log.submit(id, { key: "k", entries: [] }), "bad_request")
  },

  "the first to take a name wins, and the others are told its seq": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    const once = "answer/1"
    await log.submit(id, { key: "other", entries: [said("before")] })
    const won = await log.submit(id, { key: "a", entries: [resolved("1", "a")], once })
    for (const lost of [
      log.submit(id, { key: "b", entries: [resolved("1", "b")], once }),
      log.append(id, epoch, [resolved("1", "c")], { once }),
    ]) {
      const { details } = await refusal(lost, "already_answered")
      expect(details).toEqual({ seq: won.seq })
    }
    expect(await log.submit(id, { key: "a", entries: [resolved("1", "a")], once })).toEqual({
      seq: won.seq,
      isNew: false,
    })
    await log.append(id, epoch, [resolved("2", "d")], { once: "answer/2" })
    expect((await log.state(id)).headSeq).toBe(3)
  },

  "of many that take a name at once, one does": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    const once = "answer/1"
    const results = await Promise.allSettled([
      ...Array.from({ length: 10 }, (_, index) =>
        log.submit(id, { key: `k${index}`, entries: [resolved("1", `k${index}`)], once }),
      ),
      ...Array.from({ length: 10 }, () => log.append(id, epoch, [resolved("1", "runner")], { once })),
    ])
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
    expect((await log.state(id)).headSeq).toBe(1)
  },

  "a change of status adds the entry that says so, in the same commit": async ({ log }) => {
    const id = newLogId()
    await log.create(id, emptyHead())
    expect(await log.submit(id, { key: "k", entries: [prompted("a", "k")] })).toEqual({ seq: 1, isNew: true })
    const page = await log.read(id, 0, 9)
    expect(page.headSeq).toBe(2)
    expect(entriesOf(page)[1]).toMatchObject({
      seq: 2,
      origin: "server",
      type: "notification",
      notification: { method: "_berth/session_state", params: { status: "provisioning" } },
    })
    expect((await log.state(id)).head.status).toBe("provisioning")
    // The next prompt changes no status.
    await log.submit(id, { key: "l", entries: [prompted("b", "l")] })
    expect((await log.state(id)).headSeq).toBe(3)
  },

  "an entry that says the status itself is not doubled": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const params = { sessionId: "sess-1", status: "failed" } as const
    await fixture.log.append(id, epoch, [
      notified({ jsonrpc: "2.0", method: "_berth/session_state", params }, "server"),
    ])
    const { head, headSeq } = await fixture.log.state(id)
    expect([head.status, headSeq]).toEqual(["failed", 1])
  },

  "the head is the fold of the entries": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { log } = fixture
    const { seq } = await log.submit(id, { key: "k", entries: [prompted("a", "k")] })
    await log.append(id, epoch, [
      sandboxIs("created", 1),
      sandboxIs("attached", 1),
      commandIs("accepted", seq),
    ])
    await log.append(id, epoch, [turnStarted("t1", seq), commandIs("delivered", seq), said("hello")])
    await log.append(id, epoch, [asked("q1", null), asked("q2", "2030-01-01T00:00:00.000Z")])
    await log.submit(id, { key: "l", entries: [resolved("q1", "me")], once: "answer/q1" })
    await log.append(id, epoch, [turnEnded("t1", seq), commandIs("done", seq)])
    const { head, headSeq } = await log.state(id)
    const entries = entriesOf(await log.read(id, 0, 99))
    expect(entries).toHaveLength(headSeq)
    expect(
      entries.reduce((folded, entry) => reduceHead(folded, { ...entry, body: entry }), emptyHead()),
    ).toEqual(head)
    expect(head.questions.map(({ questionId }) => questionId)).toEqual(["q2"])
  },
}
