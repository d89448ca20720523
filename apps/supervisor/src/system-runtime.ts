import { createHash } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import type { Clock, Ids } from "@berth/core"
import type { BlobHash } from "@berth/protocol"
import { monotonicFactory } from "ulid"

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, options = {}) {
    // An abort is the expected way to be woken early, so the rejection says nothing.
    await delay(ms, undefined, options).catch(() => undefined)
  },
}

/** ULIDs in lower case (https://github.com/ulid/spec): sortable by time, also within a millisecond. */
export function createIds(): Ids {
  const next = monotonicFactory()
  return { next: () => next().toLowerCase() }
}

export async function hashContent(content: ReadableStream<Uint8Array>): Promise<BlobHash> {
  const hash = createHash("sha256")
  for await (const chunk of content) hash.update(chunk)
  return hash.digest("hex") as BlobHash
}
