import { AppError, type Clock } from "@berth/core"

interface Bucket {
  tokens: number
  filledAt: number
}

/** Callers kept in mind; beyond it the one longest unseen starts anew with a full bucket. */
const maxBuckets = 10_000

/** A token bucket per caller: a sixth of a minute's requests at once, then the steady rate. */
export function createRateLimit(options: {
  readonly requestsPerMinute: number
  readonly clock: Clock
}): (caller: string) => void {
  const { requestsPerMinute, clock } = options
  const perMs = requestsPerMinute / 60_000
  const capacity = Math.max(1, requestsPerMinute / 6)
  const buckets = new Map<string, Bucket>()

  return (caller) => {
    const now = clock.now()
    const bucket = buckets.get(caller) ?? { tokens: capacity, filledAt: now }
    bucket.tokens = Math.min(capacity, bucket.tokens + Math.max(0, now - bucket.filledAt) * perMs)
    bucket.filledAt = now
    buckets.delete(caller)
    buckets.set(caller, bucket)
    if (buckets.size > maxBuckets) forgetOldest(buckets)
    if (bucket.tokens < 1) throw rateLimited((1 - bucket.tokens) / perMs / 1000)
    bucket.tokens -= 1
  }
}

function forgetOldest(buckets: Map<string, Bucket>): void {
  const [oldest] = buckets.keys()
  if (oldest !== undefined) buckets.delete(oldest)
}

function rateLimited(seconds: number): AppError {
  const retryAfter = Math.max(1, Math.ceil(seconds))
  return new AppError("rate_limited", `Too many requests with this key. Try again in ${retryAfter} s.`, {
    details: { retry_after_seconds: retryAfter },
  })
}
