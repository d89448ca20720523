import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import { newLogId } from "./sample-entries.ts"
import { otherProject, project, sampleSession, sampleSpec } from "./sample-sessions.ts"
import type { SessionFixture } from "./session-store-suite.ts"

export const sessionStoreTests: SuiteTests<SessionFixture> = {
  "a session is found by its alias and by its log": async ({ sessions }) => {
    const record = sampleSession("sess-1", 0, {
      title: 'Quote " and 世界',
      metadata: { nested: { deep: [1, null] }, ["__proto__"]: "x" },
    })
    await sessions.insert(record)
    expect(await sessions.find(project, record.id)).toEqual(record)
    expect(await sessions.findByLog(record.log)).toEqual({ record, deletedAt: null })
  },

  "what is not there is null": async ({ sessions }) => {
    const record = sampleSession("sess-1")
    await sessions.insert(record)
    expect(await sessions.find(project, sampleSession("sess-2").id)).toBeNull()
    expect(await sessions.find(otherProject, record.id)).toBeNull()
    expect(await sessions.findByLog(newLogId())).toBeNull()
    expect(await sessions.update(newLogId(), sampleSpec())).toBeNull()
    expect(await sessions.delete(project, sampleSession("sess-2").id)).toBeNull()
    expect(await sessions.delete(otherProject, record.id)).toBeNull()
  },

  "an alias in use is refused, and the first stays": async ({ sessions }) => {
    const first = sampleSession("sess-1")
    await sessions.insert(first)
    await refusal(sessions.insert(sampleSession("sess-1")), "id_taken")
    expect(await sessions.find(project, first.id)).toEqual(first)
    await sessions.insert(sampleSession("sess-1", 0, {}, otherProject))
  },

  "of two that take an alias at once, one gets it": async ({ sessions }) => {
    const results = await Promise.allSettled([
      sessions.insert(sampleSession("sess-1")),
      sessions.insert(sampleSession("sess-1")),
      sessions.insert(sampleSession("sess-2")),
    ])
    const statuses = results.map(({ status }) => status)
    expect(statuses.slice(0, 2).toSorted()).toEqual(["fulfilled", "rejected"])
    expect(statuses[2]).toBe("fulfilled")
  },

  "a log has one session": async ({ sessions }) => {
    const first = sampleSession("sess-1")
    await sessions.insert(first)
    await refusal(sessions.insert({ ...sampleSession("sess-2"), log: first.log }), "conflict")
  },

  "update replaces the spec and says when": async (fixture) => {
    const { sessions } = fixture
    const record = sampleSession("sess-1")
    await sessions.insert(record)
    await fixture.advance(60_000)
    const spec = sampleSpec({ title: "New", agent: { argv: ["mine"] }, metadata: { a: "b" } })
    const updated = await sessions.update(record.log, spec)
    expect(updated).toEqual({ ...record, spec, updatedAt: updated?.updatedAt })
    expect(Date.parse(updated?.updatedAt ?? "")).toBeGreaterThan(Date.parse(record.updatedAt))
    expect(await sessions.find(project, record.id)).toEqual(updated)
  },

  "delete frees the alias at once and leaves a tombstone": async ({ sessions }) => {
    const old = sampleSession("sess-1")
    await sessions.insert(old)
    expect(await sessions.delete(project, old.id)).toBe(old.log)
    expect(await sessions.find(project, old.id)).toBeNull()
    expect(await sessions.delete(project, old.id)).toBeNull()
    expect(await sessions.update(old.log, sampleSpec())).toBeNull()
    const grave = await sessions.findByLog(old.log)
    expect(grave?.record).toEqual(old)
    expect(grave?.deletedAt).toMatch(/^\d{4}-\d\d-\d\dT/)

    const young = sampleSession("sess-1", 1)
    await sessions.insert(young)
    expect(await sessions.find(project, old.id)).toEqual(young)
    expect(await sessions.delete(project, old.id)).toBe(young.log)
    expect(await sessions.tombstones.list(10)).toEqual([old.log, young.log])
  },

  "tombstones are listed oldest first until they are buried": async (fixture) => {
    const { sessions } = fixture
    const records = [3, 1, 2].map((minute) => sampleSession(`sess-${minute}`, minute))
    for (const record of records) {
      await sessions.insert(record)
      await sessions.delete(project, record.id)
      await fixture.advance(1_000)
    }
    const logs = records.map(({ log }) => log)
    expect(await sessions.tombstones.list(2)).toEqual(logs.slice(0, 2))
    await sessions.tombstones.bury(logs[0] ?? newLogId())
    await sessions.tombstones.bury(logs[0] ?? newLogId())
    expect(await sessions.tombstones.list(10)).toEqual(logs.slice(1))
    expect(await sessions.findByLog(logs[0] ?? newLogId())).toBeNull()
  },

  "bury touches no live session": async ({ sessions }) => {
    const record = sampleSession("sess-1")
    await sessions.insert(record)
    await sessions.tombstones.bury(record.log)
    expect(await sessions.find(project, record.id)).toEqual(record)
  },
}
