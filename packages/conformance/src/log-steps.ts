import { isAppError } from "@berth/core"
import type { LogId } from "@berth/protocol"
import fc from "fast-check"
import type { LogFixture } from "./log-fixture.ts"
import { firstNOf, ifHeadOf, modelTtlMs, type LogModel, type Outcome, type Step } from "./log-model.ts"
import { said } from "./sample-entries.ts"

const count = fc.integer({ min: 1, max: 4 })
const once = fc.option(fc.constantFrom("answer/1", "answer/2"), { freq: 3 })
const ifHead = fc.option(fc.constantFrom("current" as const, "older" as const), { freq: 3 })
const epochOffset = fc.constantFrom(0, 0, 0, -1, 1)
const source = fc.option(
  fc.record({ generation: fc.constantFrom(1, 2), offset: fc.constantFrom(0, 0, 0, -1, -2, -5, 1) }),
)

/** Small domains, so that calls meet: few keys, names, holders and generations. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      key: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      count,
      once,
      ifHead,
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({ kind: fc.constant("append" as const), epochOffset, count, source, once, ifHead }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("claim" as const),
      holder: fc.constantFrom("x", "y"),
      force: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("renew" as const), epochOffset }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const), epochOffset, ifHead }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(10, 30_000, 200_000) }),
  },
)

/** How many contents a step brings. */
export function contentCount(step: Step): number {
  return step.kind === "submit" || step.kind === "append" ? step.count : 0
}

/** Makes the call of a step whose relative parts (epoch, numbers, head) are those of `model`. */
export async function performStep(
  { log, leases, advance }: LogFixture,
  id: LogId,
  model: LogModel,
  step: Step,
  texts: readonly string[],
): Promise<Outcome> {
  try {
    return { answer: await perform() }
  } catch (error) {
    if (isAppError(error)) return { error: error.code }
    throw error
  }

  async function perform(): Promise<unknown> {
    const entries = texts.map(said)
    switch (step.kind) {
      case "submit":
        return log.submit(id, { key: step.key, entries, ...conditionsOf(model, step) })
      case "append": {
        const sourceOf = step.source === null ? {} : { source: absolute(model, step.source) }
        const options = { ...sourceOf, ...conditionsOf(model, step) }
        return log.append(id, model.epoch + step.epochOffset, entries, options)
      }
      case "claim":
        return (await leases.claim(id, step.holder, modelTtlMs, { force: step.force })).epoch
      case "renew":
        await leases.renew(id, model.epoch + step.epochOffset, modelTtlMs)
        return null
      case "release": {
        const { ifHead: wanted } = conditionsOf(model, { ...step, once: null })
        const options = wanted === undefined ? {} : { ifHead: wanted }
        await leases.release(id, model.epoch + step.epochOffset, options)
        return null
      }
      case "advance":
        await advance(step.ms)
        return null
      case "close":
        await log.close(id)
        return null
    }
  }
}

function absolute(model: LogModel, relative: { readonly generation: number; readonly offset: number }) {
  return { generation: relative.generation, firstN: firstNOf(model, relative) }
}

function conditionsOf(
  model: LogModel,
  step: { readonly once: string | null; readonly ifHead: "current" | "older" | null },
): { readonly once?: string; readonly ifHead?: number } {
  return {
    ...(step.once === null ? {} : { once: step.once }),
    ...(step.ifHead === null ? {} : { ifHead: ifHeadOf(model, step.ifHead) }),
  }
}
