import fc from "fast-check"
import { limits, type EntryBody } from "@berth/protocol"
import { describe, expect, it } from "vitest"
import { AppError } from "../errors/app-error.ts"
import { createContact } from "./contact.ts"
import { createOutbox } from "./outbox.ts"
import type { RunnerLink } from "./runner-link.ts"
import { createTestClock, settle, silent } from "./scripted-runner.test-support.ts"
import { createMemorySpool } from "./spool.ts"

type Fate = "fine" | "refused before" | "lost after" | "twice"

/** A log that keeps what it was sent by number, and whose connection does as it is told. */
function createFickleLog(fates: readonly Fate[]) {
  const stored: EntryBody[] = []
  const batches: number[] = []
  let calls = 0
  const take = (firstN: number, bodies: readonly EntryBody[]): { lastN: number } => {
    if (firstN > stored.length + 1) {
      throw new AppError("out_of_sequence", "a hole", { details: { expectedN: stored.length + 1 } })
    }
    stored.push(...bodies.slice(stored.length + 1 - firstN))
    return { lastN: firstN + bodies.length - 1 }
  }
  const append: RunnerLink["append"] = async (firstN, bodies) => {
    const fate = fates[calls % Math.max(fates.length, 1)] ?? "fine"
    calls += 1
    batches.push(bodies.length)
    if (fate === "refused before") throw new AppError("unavailable", "away")
    const answer = take(firstN, bodies)
    if (fate === "twice") take(firstN, bodies)
    if (fate === "lost after") throw new AppError("unavailable", "the answer was lost")
    return answer
  }
  return { stored, batches, link: { append } as unknown as RunnerLink }
}

function start(fates: readonly Fate[]) {
  const clock = createTestClock()
  const contact = createContact({ clock, logger: silent, orphanTimeoutMs: 1e9 })
  const spool = createMemorySpool()
  const { stored, batches, link } = createFickleLog(fates)
  const outbox = createOutbox({ sessionId: "s", lastN: 0, link, spool, contact, logger: silent })
  void outbox.run()
  const say = (text: string): void =>
    outbox.write("session/update", {
      update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
    })
  return { clock, contact, spool, stored, batches, outbox, say }
}

const textOf = (body: EntryBody): unknown =>
  JSON.parse(JSON.stringify(body)).notification.params.update?.content.text

describe("an outbox", () => {
  it("brings every entry to the log once and in order, whatever the connection does", async () => {
    const fate = fc.constantFrom<Fate>("fine", "refused before", "lost after", "twice")
    const writes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { maxLength: 6 }), writes, async (fates, bursts) => {
        const { clock, contact, stored, outbox, say, spool } = start([...fates, "fine"])
        let written = 0
        for (const burst of bursts) {
          for (let index = 0; index < burst; index += 1) say(String((written += 1)))
          await settle(2)
        }
        const flushed = outbox.flushed()
        for (let turn = 0; turn < 40; turn += 1) await clock.advance(250)
        await flushed
        expect(stored.map(textOf)).toEqual(Array.from({ length: written }, (_, index) => String(index + 1)))
        expect(spool.lines.size).toBe(0)
        contact.close()
      }),
      { numRuns: 40 },
    )
  })

  it("sends what came meanwhile in one batch, within the log's limits", async () => {
    const { contact, batches, outbox, say } = start(["fine"])
    for (let index = 0; index < 5_000; index += 1) say("x")
    await outbox.flushed()
    expect(batches.every((size) => size <= limits.appendBatchEntries)).toBe(true)
    expect(batches.length).toBeLessThan(8)
    contact.close()
  })

  it("keeps in the spool what the log does not have, before it is sent", async () => {
    const { contact, spool, say, stored } = start(["refused before"])
    say("one")
    await settle()
    expect(stored).toEqual([])
    expect([...spool.lines.keys()]).toEqual([1])
    contact.close()
  })

  it("holds writers back while too much is unsent", async () => {
    const { clock, contact, outbox, say } = start([
      "refused before",
      "refused before",
      "refused before",
      "fine",
    ])
    const piece = "x".repeat(4 * 1024 * 1024)
    for (let index = 0; index < 20; index += 1) say(piece)
    let hasRoom = false
    void outbox.room().then(() => (hasRoom = true))
    await settle()
    expect(hasRoom).toBe(false)
    for (let turn = 0; turn < 200; turn += 1) await clock.advance(250)
    expect(hasRoom).toBe(true)
    contact.close()
  })
})
