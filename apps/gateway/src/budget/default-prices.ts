import type { ModelPrice } from "./price.ts"

/**
 * List prices, for operators who configure none. The last row takes every other model at a price
 * above what is usual, so that a budget errs to the safe side.
 */
export const defaultPrices: readonly ModelPrice[] = [
  {
    model: "claude-*haiku*",
    input: 1,
    output: 5,
    cacheRead: 0.1,
    cacheWrite: 1.25,
    longCacheWrite: 2,
    maxOutputTokens: 64_000,
    contextTokens: 200_000,
  },
  {
    model: "claude-*sonnet*",
    input: 3,
    output: 15,
    cacheRead: 0.3,
    cacheWrite: 3.75,
    longCacheWrite: 6,
    maxOutputTokens: 64_000,
    contextTokens: 1_000_000,
  },
  {
    model: "claude-*opus*",
    input: 15,
    output: 75,
    cacheRead: 1.5,
    cacheWrite: 18.75,
    longCacheWrite: 30,
    maxOutputTokens: 128_000,
    contextTokens: 1_000_000,
  },
  { model: "gpt-*-nano*", input: 0.1, output: 0.4, cacheRead: 0.03, maxOutputTokens: 128_000 },
  { model: "gpt-*-mini*", input: 0.4, output: 2, cacheRead: 0.1, maxOutputTokens: 128_000 },
  { model: "text-embedding-*", input: 0.13, output: 0 },
  { model: "gpt-*", input: 2.5, output: 15, cacheRead: 1.25, maxOutputTokens: 128_000 },
  {
    model: "gemini-*flash*",
    input: 0.5,
    output: 3,
    cacheRead: 0.125,
    maxOutputTokens: 65_536,
    contextTokens: 1_048_576,
  },
  {
    model: "gemini-*",
    input: 4,
    output: 18,
    cacheRead: 1,
    maxOutputTokens: 65_536,
    contextTokens: 1_048_576,
  },
  { model: "*", input: 30, output: 180 },
]
