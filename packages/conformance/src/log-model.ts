import type { ErrorCode } from "@berth/protocol"

/** One call on a log or its lease, as random tests make it. */
export type Step =
  | {
      readonly kind: "submit"
      readonly key: string
      readonly count: number
      readonly once: string | null
      readonly ifHead: "current" | "older" | null
    }
  | {
      readonly kind: "append"
      /** Against the newest epoch: 0 is it, −1 the one before. */
      readonly epochOffset: number
      readonly count: number
      /** `firstN` against the next number that is due: 0 continues, −2 repeats two, 1 leaves a hole. */
      readonly source: { readonly generation: number; readonly offset: number } | null
      readonly once: string | null
      readonly ifHead: "current" | "older" | null
    }
  | { readonly kind: "claim"; readonly holder: string; readonly force: boolean }
  | { readonly kind: "renew"; readonly epochOffset: number }
  | { readonly kind: "release"; readonly epochOffset: number; readonly ifHead: "current" | "older" | null }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "close" }

/** Written apart from the rules in core: two that agree by accident would have to be wrong alike. */
export interface LogModel {
  /** Content of each entry, in order, with the epoch it was written under. */
  readonly entries: { readonly text: string; readonly epoch: number }[]
  readonly keys: Map<string, number>
  readonly names: Map<string, number>
  readonly lastN: Map<number, number>
  now: number
  epoch: number
  holder: string | null
  expiresAt: number
  isClosed: boolean
}

export function createLogModel(): LogModel {
  return {
    entries: [],
    keys: new Map(),
    names: new Map(),
    lastN: new Map(),
    now: 0,
    epoch: 0,
    holder: null,
    expiresAt: 0,
    isClosed: false,
  }
}

export type Outcome = { readonly error: ErrorCode } | { readonly answer: unknown }

type StepOf<Kind extends Step["kind"]> = Extract<Step, { readonly kind: Kind }>

/** With the steps of `advance`, no lease ends within seconds of a call: a real clock runs on by itself. */
export const modelTtlMs = 100_000

/** Answers what the port has to answer, and moves the model on. `texts` are the contents to write. */
export function applyStep(model: LogModel, step: Step, texts: readonly string[]): Outcome {
  switch (step.kind) {
    case "submit":
      return submit(model, step, texts)
    case "append":
      return append(model, step, texts)
    case "claim":
      return claim(model, step)
    case "renew": {
      if (model.isClosed) return { error: "log_closed" }
      if (model.holder === null || step.epochOffset !== 0) return { error: "stale_epoch" }
      model.expiresAt = model.now + modelTtlMs
      return { answer: null }
    }
    case "release": {
      if (model.holder === null || step.epochOffset !== 0) return { answer: null }
      if (hasMoved(model, step.ifHead)) return { error: "precondition_failed" }
      model.holder = null
      return { answer: null }
    }
    case "advance":
      model.now += step.ms
      return { answer: null }
    case "close":
      model.isClosed = true
      model.holder = null
      return { answer: null }
  }
}

export function firstNOf(
  model: LogModel,
  source: { readonly generation: number; readonly offset: number },
): number {
  return Math.max(1, (model.lastN.get(source.generation) ?? 0) + 1 + source.offset)
}

export function ifHeadOf(model: LogModel, ifHead: "current" | "older"): number {
  return ifHead === "current" ? model.entries.length : model.entries.length - 1
}

function submit(model: LogModel, step: StepOf<"submit">, texts: readonly string[]): Outcome {
  const known = model.keys.get(step.key)
  if (known !== undefined) return { answer: { seq: known, isNew: false } }
  if (model.isClosed) return { error: "log_closed" }
  if (step.once !== null && model.names.has(step.once)) return { error: "already_answered" }
  if (hasMoved(model, step.ifHead)) return { error: "precondition_failed" }
  const seq = model.entries.length + 1
  model.keys.set(step.key, seq)
  write(model, texts, step.once)
  return { answer: { seq, isNew: true } }
}

function append(model: LogModel, step: StepOf<"append">, texts: readonly string[]): Outcome {
  if (model.isClosed) return { error: "log_closed" }
  if (model.holder === null || step.epochOffset !== 0) return { error: "stale_epoch" }
  const { source } = step
  let fresh = texts
  if (source !== null) {
    const expectedN = (model.lastN.get(source.generation) ?? 0) + 1
    const firstN = firstNOf(model, source)
    if (firstN > expectedN) return { error: "out_of_sequence" }
    fresh = texts.slice(expectedN - firstN)
  }
  const headSeq = model.entries.length
  if (fresh.length === 0) return { answer: { firstSeq: headSeq + 1, lastSeq: headSeq } }
  if (step.once !== null && model.names.has(step.once)) return { error: "already_answered" }
  if (hasMoved(model, step.ifHead)) return { error: "precondition_failed" }
  if (source !== null) {
    model.lastN.set(source.generation, (model.lastN.get(source.generation) ?? 0) + fresh.length)
  }
  write(model, fresh, step.once)
  return { answer: { firstSeq: headSeq + 1, lastSeq: headSeq + fresh.length } }
}

function claim(model: LogModel, step: StepOf<"claim">): Outcome {
  if (model.isClosed) return { error: "log_closed" }
  const isLive = model.holder !== null && model.expiresAt > model.now
  if (isLive && model.holder !== step.holder && !step.force) return { error: "busy" }
  model.epoch += 1
  model.holder = step.holder
  model.expiresAt = model.now + modelTtlMs
  return { answer: model.epoch }
}

function write(model: LogModel, texts: readonly string[], once: string | null): void {
  if (once !== null) model.names.set(once, model.entries.length + 1)
  for (const text of texts) model.entries.push({ text, epoch: model.epoch })
}

function hasMoved(model: LogModel, ifHead: "current" | "older" | null): boolean {
  return ifHead !== null && ifHeadOf(model, ifHead) !== model.entries.length
}
