import { z } from "zod"
import type { TokenUsage } from "../upstreams/upstream.ts"

const usd = z.number().min(0)

/** US dollars per million tokens for the models that `model` matches; `*` stands for any characters. */
export const modelPrice = z.object({
  model: z.string().min(1).max(256),
  input: usd,
  output: usd,
  /** Default: as `input`. */
  cacheRead: usd.optional(),
  cacheWrite: usd.optional(),
  /** Kept for an hour. Default: as `cacheWrite`. */
  longCacheWrite: usd.optional(),
  /** What the model answers at most when the request sets no limit. */
  maxOutputTokens: z.number().int().positive().optional(),
  /** What the model reads at most. */
  contextTokens: z.number().int().positive().optional(),
})
export type ModelPrice = z.infer<typeof modelPrice>

/** The first row that matches; null when none does. */
export function findPrice(prices: readonly ModelPrice[], model: string): ModelPrice | null {
  return prices.find((price) => matchesGlob(price.model, model)) ?? null
}

export function priceOf(price: ModelPrice, usage: TokenUsage): number {
  const cacheWrite = price.cacheWrite ?? price.input
  const long = Math.min(usage.longCacheWriteTokens, usage.cacheWriteTokens)
  return (
    (usage.inputTokens * price.input +
      usage.outputTokens * price.output +
      usage.cacheReadTokens * (price.cacheRead ?? price.input) +
      (usage.cacheWriteTokens - long) * cacheWrite +
      long * (price.longCacheWrite ?? cacheWrite)) /
    1_000_000
  )
}

/** The most that so many tokens can cost, whichever way they are read. */
export function highestPriceOf(price: ModelPrice, inputTokens: number, outputTokens: number): number {
  const input = Math.max(price.input, price.cacheWrite ?? 0, price.longCacheWrite ?? 0)
  return (inputTokens * input + outputTokens * price.output) / 1_000_000
}

function matchesGlob(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join(".*")}$`, "i").test(text)
}
