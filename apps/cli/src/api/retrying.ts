import { setTimeout as sleep } from "node:timers/promises"
import { AppError, isAppError } from "@berth/core"

/** Waits grow from `firstMs` to `maxMs`, with some chance in them: many clients must not come back at once. */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  const firstMs = 50
  const maxMs = 2_000
  return Math.min(maxMs, firstMs * 2 ** attempt) * (0.5 + random() / 2)
}

/** Whether the same request may succeed later. */
export function isPassing(error: unknown): error is AppError {
  return isAppError(error, "unavailable") || (isAppError(error, "rate_limited") && waitOf(error) !== null)
}

function waitOf(error: AppError): number | null {
  const wait = error.details?.["retryAfterMs"]
  return typeof wait === "number" ? wait : null
}

/** Resolves before the next attempt. Rejects when `signal` aborts. */
export async function waitToRetry(error: unknown, attempt: number, signal: AbortSignal): Promise<void> {
  const asked = error instanceof AppError ? waitOf(error) : null
  await sleep(Math.max(asked ?? 0, backOffMs(attempt)), undefined, { signal })
}

/** Repeats an idempotent request while the server is away, for at most `forMs`. */
export async function retrying<Result>(
  request: () => Promise<Result>,
  options: { readonly signal: AbortSignal; readonly forMs: number },
): Promise<Result> {
  const endAt = performance.now() + options.forMs
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request()
    } catch (error) {
      if (!isPassing(error) || performance.now() > endAt) throw error
      await waitToRetry(error, attempt, options.signal)
    }
  }
}
