import type { SessionFilter, SessionRecord } from "@berth/core"
import { createHead } from "@berth/core"
import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import { asked, commandIs, prompted, resolved, sandboxIs } from "./sample-entries.ts"
import { otherProject, project, sampleSession } from "./sample-sessions.ts"
import type { SessionFixture } from "./session-store-suite.ts"

export const sessionListTests: SuiteTests<SessionFixture> = {
  "an empty project lists nothing": async ({ sessions }) => {
    expect(await sessions.list(project, { limit: 10 })).toEqual({ items: [], total: 0, nextCursor: null })
  },

  "the listing is newest first, of one project, without the deleted": async (fixture) => {
    const { sessions } = fixture
    for (const minute of [2, 5, 1, 4, 3]) await sessions.insert(sampleSession(`sess-${minute}`, minute))
    await sessions.insert(sampleSession("elsewhere", 9, {}, otherProject))
    await sessions.delete(project, sampleSession("sess-4").id)
    const { items, total, nextCursor } = await sessions.list(project, { limit: 10 })
    expect(items.map(({ id }) => id)).toEqual(["sess-5", "sess-3", "sess-2", "sess-1"])
    expect([total, nextCursor]).toEqual([4, null])
  },

  "pages by cursor meet every session once, also those made at the same time": async ({ sessions }) => {
    const records = Array.from({ length: 23 }, (_, index) =>
      sampleSession(`sess-${String(index).padStart(2, "0")}`, Math.floor(index / 6)),
    )
    for (const record of records) await sessions.insert(record)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof sessions.list>> = await sessions.list(project, {
        limit: 5,
        ...(cursor === null ? {} : { cursor }),
      })
      expect(page.total).toBe(23)
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
      // A newer session does not shift the pages after it.
      await sessions.insert(sampleSession(`late-${seen.length}`, 100, {}, otherProject))
    } while (cursor !== null)
    expect(seen).toEqual(records.map(({ id }) => id).toReversed())
  },

  "a page that ends with the listing has no cursor": async ({ sessions }) => {
    for (const minute of [1, 2]) await sessions.insert(sampleSession(`sess-${minute}`, minute))
    expect((await sessions.list(project, { limit: 2 })).nextCursor).toBeNull()
    expect((await sessions.list(project, { limit: 1 })).nextCursor).not.toBeNull()
  },

  "a cursor survives that its session is deleted": async ({ sessions }) => {
    for (const minute of [1, 2, 3]) await sessions.insert(sampleSession(`sess-${minute}`, minute))
    const first = await sessions.list(project, { limit: 2 })
    await sessions.delete(project, sampleSession("sess-2").id)
    const second = await sessions.list(project, { limit: 2, cursor: first.nextCursor ?? "" })
    expect(second.items.map(({ id }) => id)).toEqual(["sess-1"])
  },

  "a cursor that is none is refused": async ({ sessions }) => {
    for (const cursor of ["", "x", "%%%", "-1", "AAAA", "a".repeat(10_000), "MjAyNi0wMS0wMQ"]) {
      await refusal(sessions.list(project, { limit: 5, cursor }), "bad_cursor")
    }
  },

  "status and headSeq are those of the log": async (fixture) => {
    const { sessions, log, leases } = fixture
    // Either may be made first.
    const [early, late] = [sampleSession("early", 1), sampleSession("late", 2)]
    await log.create(early.log, createHead(early.id))
    await sessions.insert(early)
    await sessions.insert(late)
    await log.create(late.log, createHead(late.id))
    const statuses = async () =>
      (await sessions.list(project, { limit: 9 })).items.map(({ status, headSeq }) => [status, headSeq])
    expect(await statuses()).toEqual([
      ["created", 0],
      ["created", 0],
    ])
    await log.submit(early.log, { key: "k", entries: [prompted("a", "k")] })
    expect(await statuses()).toEqual([
      ["created", 0],
      ["provisioning", 2],
    ])
    // From here on there is always something due: only the status moves.
    const { epoch } = await leases.claim(early.log, "runner", 60_000)
    const changes = [
      [sandboxIs("attached", 1), "running"],
      [asked("q", null), "awaiting_input"],
      [resolved("q", "me"), "running"],
      [commandIs("done", 1), "idle"],
    ] as const
    for (const [entry, status] of changes) {
      await log.append(early.log, epoch, [entry])
      expect((await statuses())[1]?.[0]).toBe(status)
      const found = await sessions.list(project, { limit: 9, filter: { status } })
      expect([found.total, found.items.map(({ id }) => id)]).toEqual([1, ["early"]])
    }
  },

  "a session without a log is created": async ({ sessions }) => {
    await sessions.insert(sampleSession("sess-1"))
    const { items } = await sessions.list(project, { limit: 1 })
    expect(items.map(({ status, headSeq }) => [status, headSeq])).toEqual([["created", 0]])
  },

  "filters choose, count and page alike": async (fixture) => {
    const { sessions } = fixture
    const records: readonly SessionRecord[] = [
      sampleSession("alpha", 1, { title: "Fix the LOGIN page", metadata: { team: "web", tier: 1 } }),
      sampleSession("beta", 2, { agent: "claude", title: "100% of ÄRGER_", metadata: { team: "web" } }),
      sampleSession("gamma", 3, { agent: { argv: ["claude"] }, metadata: { team: "core", isOld: true } }),
      sampleSession("Delta-login", 4, { agent: null, metadata: { 'odd"key': "it's" } }),
    ]
    for (const record of records) await sessions.insert(record)
    const cases: readonly (readonly [filter: SessionFilter, ids: readonly string[]])[] = [
      [{}, ["Delta-login", "gamma", "beta", "alpha"]],
      [{ query: "login" }, ["Delta-login", "alpha"]],
      [{ query: "ärger_" }, ["beta"]],
      [{ query: "0% of" }, ["beta"]],
      [{ query: "%" }, ["beta"]],
      [{ query: "nowhere" }, []],
      [{ agent: "claude" }, ["beta"]],
      [{ agent: "shell", query: "LOGIN" }, ["alpha"]],
      [{ metadata: { team: "web" } }, ["beta", "alpha"]],
      [{ metadata: { team: "web", tier: "1" } }, ["alpha"]],
      [{ metadata: { isOld: "true" } }, ["gamma"]],
      [{ metadata: { 'odd"key': "it's" } }, ["Delta-login"]],
      [{ metadata: { toString: "x" } }, []],
      [{ status: "created", metadata: { team: "core" } }, ["gamma"]],
      [{ status: "running" }, []],
    ]
    for (const [filter, ids] of cases) {
      const { items, total } = await sessions.list(project, { limit: 10, filter })
      expect([filter, items.map(({ id }) => id), total]).toEqual([filter, ids, ids.length])
    }
    const first = await sessions.list(project, { limit: 1, filter: { query: "login" } })
    expect(first.total).toBe(2)
    const second = await sessions.list(project, {
      limit: 1,
      filter: { query: "login" },
      cursor: first.nextCursor ?? "",
    })
    expect(second.items.map(({ id }) => id)).toEqual(["alpha"])
    expect([second.total, second.nextCursor]).toEqual([2, null])
  },

  "a change of title is found at once": async ({ sessions }) => {
    const record = sampleSession("sess-1", 1, { title: "before" })
    await sessions.insert(record)
    await sessions.update(record.log, { ...record.spec, title: "after", agent: "codex" })
    const count = async (filter: SessionFilter) => (await sessions.list(project, { limit: 1, filter })).total
    expect(await count({ query: "before" })).toBe(0)
    expect(await count({ query: "after", agent: "codex" })).toBe(1)
  },
}
