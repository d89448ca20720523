import { decodeEntry, type AppendResult, type SubmitResult } from "@berth/core"
import type { LogId } from "@berth/protocol"
import fc from "fast-check"
import { expect } from "vitest"
import type { SuiteTests } from "./define-suite.ts"
import { follow, readAll, seqs, type LogFixture } from "./log-fixture.ts"
import { applyStep, createLogModel, type LogModel, type Outcome, type Step } from "./log-model.ts"
import { anyStep, contentCount, performStep } from "./log-steps.ts"
import { emptyHead, newLogId, saidText } from "./sample-entries.ts"

/** Random calls against the model (invariants 1 to 4 of DESIGN.md). */
export const logPropertyTests: SuiteTests<LogFixture> = {
  "any calls one after the other answer as the model does": async (fixture, runs) => {
    const steps = fc.array(anyStep, { minLength: 5, maxLength: 40 })
    const check = fc.asyncProperty(steps, fc.boolean(), async (chosen, isClosed) => {
      const id = await createLog(fixture)
      const model = createLogModel()
      const all: readonly Step[] = isClosed ? [...chosen, { kind: "close" }, ...chosen.slice(0, 5)] : chosen
      for (const [index, step] of all.entries()) {
        const texts = contentsOf(index, step)
        // Relative parts are resolved against the model before it moves on.
        const outcome = await performStep(fixture, id, model, step, texts)
        expect(outcome).toEqual(applyStep(model, step, texts))
      }
      await expectSame(fixture, id, model)
    })
    await fc.assert(check, { numRuns: runs })
  },

  "any calls at once keep what holds of every log": async (fixture, runs) => {
    const batches = fc.array(fc.array(anyStep, { minLength: 2, maxLength: 12 }), {
      minLength: 1,
      maxLength: 6,
    })
    const check = fc.asyncProperty(batches, fc.boolean(), async (chosen, isClosed) => {
      const id = await createLog(fixture)
      const reader = follow(fixture.log.tail(id, 0, new AbortController()), () => false)
      const acknowledged: Acknowledged[] = []
      for (const [batch, steps] of chosen.entries()) {
        // What callers know when they start: where the store stood before the batch.
        const model = await modelOf(fixture, id)
        const closing: readonly Step[] = isClosed && batch === chosen.length - 1 ? [{ kind: "close" }] : []
        const calls = [...steps, ...closing].map(async (step, index) => {
          const texts = contentsOf(batch * 100 + index, step)
          acknowledged.push({ step, texts, outcome: await performStep(fixture, id, model, step, texts) })
        })
        await Promise.all(calls)
      }
      await expectInvariants(fixture, id, acknowledged)
      await fixture.log.close(id)
      expect(await reader).toEqual(await readAll(fixture, id))
    })
    await fc.assert(check, { numRuns: runs })
  },
}

interface Acknowledged {
  readonly step: Step
  readonly texts: readonly string[]
  readonly outcome: Outcome
}

async function createLog({ log }: LogFixture): Promise<LogId> {
  const id = newLogId()
  await log.create(id, emptyHead())
  return id
}

function contentsOf(index: number, step: Step): readonly string[] {
  return Array.from({ length: contentCount(step) }, (_, part) => `${index}/${part}`)
}

async function expectSame(fixture: LogFixture, id: LogId, model: LogModel): Promise<void> {
  const stored = (await readAll(fixture, id)).map(({ text }) => decodeEntry(text))
  expect(stored.map((entry) => ({ text: saidText(entry), epoch: entry.epoch }))).toEqual(model.entries)
  const { headSeq, lastN, closed } = await fixture.log.state(id)
  expect({ headSeq, lastN, closed }).toEqual({
    headSeq: model.entries.length,
    lastN: Object.fromEntries(model.lastN),
    closed: model.isClosed,
  })
  const { epoch, holder } = await fixture.leases.inspect(id)
  expect({ epoch, holder }).toEqual({ epoch: model.epoch, holder: model.holder })
}

/** As much of a model as callers read off the store to make their calls relative to it. */
async function modelOf(fixture: LogFixture, id: LogId): Promise<LogModel> {
  const { headSeq, lastN } = await fixture.log.state(id)
  const { epoch } = await fixture.leases.inspect(id)
  const model = createLogModel()
  model.epoch = epoch
  for (let seq = 1; seq <= headSeq; seq += 1) model.entries.push({ text: "", epoch })
  for (const [generation, n] of Object.entries(lastN)) model.lastN.set(Number(generation), n)
  return model
}

async function expectInvariants(
  fixture: LogFixture,
  id: LogId,
  acknowledged: readonly Acknowledged[],
): Promise<void> {
  const lines = await readAll(fixture, id)
  const entries = lines.map(({ text }) => decodeEntry(text))
  const texts = entries.map(saidText)
  expect(entries.map(({ seq }) => seq)).toEqual(seqs(1, lines.length))
  // A fenced writer never comes back: epochs only grow along the log.
  const epochs = entries.map(({ epoch }) => epoch)
  expect(epochs).toEqual(epochs.toSorted((left, right) => left - right))

  const written = new Set<string>()
  const keys = new Map<string, number>()
  const names = new Set<string>()
  const claimed = new Set<unknown>()
  for (const { step, texts: contents, outcome } of acknowledged) {
    if ("error" in outcome) continue
    if (step.kind === "claim") {
      expect(claimed).not.toContain(outcome.answer)
      claimed.add(outcome.answer)
    }
    if (step.kind === "submit") {
      const { seq, isNew } = outcome.answer as SubmitResult
      expect(keys.get(step.key) ?? seq).toBe(seq)
      keys.set(step.key, seq)
      if (!isNew) continue
      expect(texts.slice(seq - 1, seq - 1 + contents.length)).toEqual(contents)
      for (const text of contents) written.add(text)
      if (step.once !== null) {
        expect(names).not.toContain(step.once)
        names.add(step.once)
      }
    }
    if (step.kind === "append") {
      const { firstSeq, lastSeq } = outcome.answer as AppendResult
      // Repeats are dropped from the front, so what was written is the end of what was sent.
      const fresh = contents.slice(contents.length - (lastSeq - firstSeq + 1))
      expect(texts.slice(firstSeq - 1, lastSeq)).toEqual(fresh)
      for (const text of fresh) written.add(text)
      if (step.once !== null && fresh.length > 0) {
        expect(names).not.toContain(step.once)
        names.add(step.once)
      }
    }
  }
  // Everything acknowledged is there once, and nothing else is.
  expect(texts).toHaveLength(written.size)
  expect(new Set(texts)).toEqual(written)
}
