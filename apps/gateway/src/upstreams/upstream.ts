import type { JsonFindings } from "../json/json-scanner.ts"

/** One row of the table: a service that a sandbox may call through us, and what of it. */
export interface Upstream {
  /** Requests come as `/<prefix>/…`; also the row's name in grants, configuration and reports. */
  readonly prefix: string
  readonly routes: readonly Route[]
  /** The header that carries the operator's credential, and what stands before it. */
  readonly credential: { readonly header: string; readonly scheme: "" | "Bearer " }
  /** Headers passed on beside `commonRequestHeaders`; `*` ends a prefix. All others are dropped. */
  readonly requestHeaders: readonly string[]
  /** A refusal of ours in the form its own clients understand. */
  readonly errorBody: (refusal: Refusal) => unknown
}

export interface Route {
  readonly method: "GET" | "HEAD" | "POST"
  /** `*` stands for a part of one segment. */
  readonly path: string
  /** Query parameters passed on; all others are dropped, credentials among them. */
  readonly query: readonly string[]
  /** Null when the call costs nothing. */
  readonly meter: Meter | null
}

export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** What a call may cost at most, as its request tells it, and what it did cost, as its answer does. */
export interface Meter {
  readonly request: RequestPaths
  readonly answer: AnswerReader
}

export interface RequestPaths {
  /** Null when the model is the first `*` of the route's path. */
  readonly model: readonly string[] | null
  /** Where a limit of the answer's tokens may stand; the highest counts. Null: the answer has none. */
  readonly outputLimits: readonly (readonly string[])[] | null
  /** Number of answers asked for. */
  readonly multipliers: readonly (readonly string[])[]
  /** Keys that draw in text which is not in the body. */
  readonly references: readonly (readonly string[])[]
}

/** Reads JSON answers whole and SSE answers event by event. */
export interface AnswerReader {
  readonly paths: readonly (readonly string[])[]
  readonly fold: (tally: AnswerTally, found: JsonFindings) => AnswerTally
}

export interface AnswerTally {
  readonly usage: TokenUsage | null
  readonly model: string | null
  /** The answer said that it was at its end; a stream that stops before was cut. */
  readonly isFinal: boolean
  /** An error told inside a stream. */
  readonly failure: string | null
}

/** Disjoint counts: what was read from or written to a cache is not in `inputTokens`. */
export interface TokenUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  /** The part of `cacheWriteTokens` kept for an hour, at a higher price. */
  readonly longCacheWriteTokens: number
}

export const noUsage: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  longCacheWriteTokens: 0,
}

/** What a budget of tokens counts. */
export function totalTokens(usage: TokenUsage): number {
  return usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
}
