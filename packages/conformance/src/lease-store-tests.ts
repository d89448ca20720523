import type { LogId } from "@berth/protocol"
import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import { openLog, ttlMs, type LogFixture } from "./log-fixture.ts"
import { asked, commandIs, emptyHead, newLogId, prompted, said, sandboxIs } from "./sample-entries.ts"

export const leaseStoreTests: SuiteTests<LogFixture> = {
  "a log that nobody claimed has no lease": async ({ log, leases }) => {
    const id = newLogId()
    await log.create(id, emptyHead())
    expect(await leases.inspect(id)).toEqual({ epoch: 0, holder: null, remainingMs: 0 })
  },

  "claim gives the first epoch, the head, and the whole time": async ({ log, leases }) => {
    const id = newLogId()
    await log.create(id, emptyHead())
    expect(await leases.claim(id, "a", ttlMs)).toEqual({ epoch: 1, head: emptyHead() })
    const { epoch, holder, remainingMs } = await leases.inspect(id)
    expect([epoch, holder]).toEqual([1, "a"])
    expect(remainingMs).toBeGreaterThan(ttlMs - 5_000)
    expect(remainingMs).toBeLessThanOrEqual(ttlMs)
  },

  "a live lease keeps others out, and says who has it": async (fixture) => {
    const { id } = await openLog(fixture)
    const { details } = await refusal(fixture.leases.claim(id, "other", ttlMs), "busy")
    expect(details).toMatchObject({ holder: "runner" })
    expect(details?.["remainingMs"]).toBeGreaterThan(0)
    expect((await fixture.leases.inspect(id)).epoch).toBe(1)
  },

  "its holder may claim again, under a new epoch": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const again = await fixture.leases.claim(id, "runner", ttlMs)
    expect(again.epoch).toBe(epoch + 1)
    await refusal(fixture.log.append(id, epoch, [said("a")]), "stale_epoch")
    await refusal(fixture.leases.renew(id, epoch, ttlMs), "stale_epoch")
  },

  "an expired lease is anybody's": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    await fixture.advance(ttlMs + 1)
    const { holder, remainingMs } = await fixture.leases.inspect(id)
    expect([holder, remainingMs]).toEqual(["runner", 0])
    const next = await fixture.leases.claim(id, "other", ttlMs)
    expect(next.epoch).toBe(epoch + 1)
    await refusal(fixture.log.append(id, epoch, [said("a")]), "stale_epoch")
  },

  "force takes a live lease": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const next = await fixture.leases.claim(id, "other", ttlMs, { force: true })
    expect(next.epoch).toBe(epoch + 1)
    expect((await fixture.leases.inspect(id)).holder).toBe("other")
    await refusal(fixture.leases.renew(id, epoch, ttlMs), "stale_epoch")
  },

  "of many that claim at once, one gets it": async ({ log, leases }) => {
    const id = newLogId()
    await log.create(id, emptyHead())
    const claims = Array.from({ length: 10 }, (_, index) => leases.claim(id, `holder-${index}`, ttlMs))
    const results = await Promise.allSettled(claims)
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
    expect((await leases.inspect(id)).epoch).toBe(1)
  },

  "renew moves the end": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    await fixture.advance(ttlMs / 2)
    await fixture.leases.renew(id, epoch, ttlMs)
    await fixture.advance(ttlMs / 2 + 1_000)
    await refusal(fixture.leases.claim(id, "other", ttlMs), "busy")
  },

  "renew revives a lease that expired and that nobody took": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    await fixture.advance(100 * ttlMs)
    await fixture.log.append(id, epoch, [said("still mine")])
    await fixture.leases.renew(id, epoch, ttlMs)
    await refusal(fixture.leases.claim(id, "other", ttlMs), "busy")
    expect((await fixture.leases.inspect(id)).holder).toBe("runner")
  },

  "renew of what is not held is refused": async (fixture) => {
    const id = newLogId()
    await fixture.log.create(id, emptyHead())
    for (const epoch of [0, 1]) await refusal(fixture.leases.renew(id, epoch, ttlMs), "stale_epoch")
    const { epoch } = await fixture.leases.claim(id, "runner", ttlMs)
    await fixture.leases.release(id, epoch)
    await refusal(fixture.leases.renew(id, epoch, ttlMs), "stale_epoch")
  },

  "release gives the lease back at once, and the epoch stays spent": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    await fixture.leases.release(id, epoch)
    expect(await fixture.leases.inspect(id)).toEqual({ epoch, holder: null, remainingMs: 0 })
    await refusal(fixture.log.append(id, epoch, [said("a")]), "stale_epoch")
    expect((await fixture.leases.claim(id, "other", ttlMs)).epoch).toBe(epoch + 1)
  },

  "release of what is not held is no error and touches nothing": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const next = await fixture.leases.claim(id, "other", ttlMs, { force: true })
    await fixture.leases.release(id, epoch)
    await fixture.leases.release(id, next.epoch + 5)
    expect((await fixture.leases.inspect(id)).holder).toBe("other")
    await fixture.leases.release(id, next.epoch)
    await fixture.leases.release(id, next.epoch, { ifHead: 99 })
  },

  "release with ifHead is refused once the log moved": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    await fixture.log.submit(id, { key: "k", entries: [said("a")] })
    const { details } = await refusal(fixture.leases.release(id, epoch, { ifHead: 0 }), "precondition_failed")
    expect(details).toEqual({ headSeq: 1 })
    await fixture.log.append(id, epoch, [said("the lease is still held")])
    await fixture.leases.release(id, epoch, { ifHead: 2 })
    expect((await fixture.leases.inspect(id)).holder).toBeNull()
  },

  "an idle release cannot race a command": async (fixture) => {
    for (let round = 0; round < 20; round += 1) {
      const { id, epoch } = await openLog(fixture)
      const command = () => fixture.log.submit(id, { key: "k", entries: [prompted("a", "k")] })
      const release = () => fixture.leases.release(id, epoch, { ifHead: 0 })
      const calls = round % 2 === 0 ? [command(), release()] : [release(), command()]
      const results = await Promise.allSettled(calls)
      const released = results[round % 2 === 0 ? 1 : 0]?.status === "fulfilled"
      const { holder } = await fixture.leases.inspect(id)
      expect(holder).toBe(released ? null : "runner")
      // Either way the command is there, and whoever looks for work finds it.
      expect((await fixture.log.state(id)).head.commands).toHaveLength(1)
      expect(await activeLogs(fixture)).toContain(id)
    }
  },

  "epochs are never given twice": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    const { leases } = fixture
    const epochs = [epoch]
    for (let round = 0; round < 5; round += 1) {
      const last = epochs.at(-1) ?? 0
      if (round % 2 === 0) await leases.release(id, last)
      else await fixture.advance(ttlMs + 1)
      epochs.push((await leases.claim(id, `holder-${round}`, ttlMs)).epoch)
    }
    expect(epochs).toEqual(epochs.toSorted((left, right) => left - right))
    expect(new Set(epochs).size).toBe(epochs.length)
  },

  "leases and epochs are there after the store is opened again": async (fixture) => {
    const { id, epoch } = await openLog(fixture)
    await fixture.leases.renew(id, epoch, 10 * ttlMs)
    const { leases, log } = await fixture.reopen()
    const { holder, remainingMs } = await leases.inspect(id)
    expect(holder).toBe("runner")
    expect(remainingMs).toBeGreaterThan(5 * ttlMs)
    await refusal(leases.claim(id, "other", ttlMs), "busy")
    await log.append(id, epoch, [said("a")])
    await leases.renew(id, epoch, ttlMs)
    await leases.release(id, epoch)
    expect((await leases.claim(id, "other", ttlMs)).epoch).toBe(epoch + 1)
  },

  "listActive names the logs with something due": async (fixture) => {
    const { log, leases } = fixture
    const [idle, commanded, sandboxed, asking, patient, closed] = await Promise.all(
      Array.from({ length: 6 }, () => openLog(fixture)),
    )
    if (!idle || !commanded || !sandboxed || !asking || !patient || !closed) throw new Error("six logs")
    await log.append(idle.id, idle.epoch, [said("nothing due")])
    const { seq } = await log.submit(commanded.id, { key: "k", entries: [prompted("a", "k")] })
    await log.append(sandboxed.id, sandboxed.epoch, [sandboxIs("created", 1)])
    await log.append(asking.id, asking.epoch, [asked("q", "2030-01-01T00:00:00.000Z")])
    await log.append(patient.id, patient.epoch, [asked("q", null)])
    await log.submit(closed.id, { key: "k", entries: [prompted("a", "k")] })
    await log.close(closed.id)
    expect(await activeLogs(fixture)).toEqual([commanded.id, sandboxed.id, asking.id].toSorted())

    await log.append(commanded.id, commanded.epoch, [commandIs("done", seq)])
    await log.append(sandboxed.id, sandboxed.epoch, [sandboxIs("released", 1)])
    await leases.release(asking.id, asking.epoch)
    const active = await leases.listActive({ limit: 10 })
    expect(active).toEqual([{ log: asking.id, lease: { epoch: asking.epoch, holder: null, remainingMs: 0 } }])
  },

  "listActive pages in a stable order": async (fixture) => {
    const ids: LogId[] = []
    for (let index = 0; index < 7; index += 1) {
      const { id, epoch } = await openLog(fixture)
      await fixture.log.append(id, epoch, [sandboxIs("attached", 1)])
      ids.push(id)
    }
    const seen: LogId[] = []
    let after: LogId | undefined
    do {
      const page = await fixture.leases.listActive({ limit: 3, ...(after === undefined ? {} : { after }) })
      seen.push(...page.map(({ log }) => log))
      after = page.length < 3 ? undefined : page.at(-1)?.log
    } while (after !== undefined)
    expect(seen).toHaveLength(7)
    expect(new Set(seen)).toEqual(new Set(ids))
  },
}

async function activeLogs({ leases }: LogFixture): Promise<readonly LogId[]> {
  return (await leases.listActive({ limit: 1_000 })).map(({ log }) => log).toSorted()
}
