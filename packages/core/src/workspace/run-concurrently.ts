/**
 * Calls `action` for each item, at most `limit` at a time, in order of start. Rejects with the first
 * failure, after the calls under way have ended; later items are then not started.
 */
export async function runConcurrently<Item>(
  items: readonly Item[],
  limit: number,
  action: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  let hasFailed = false
  const work = async (): Promise<void> => {
    for (const item of queue) {
      if (hasFailed) return
      try {
        await action(item)
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  const workers = Array.from({ length: Math.min(limit, items.length) }, work)
  const results = await Promise.allSettled(workers)
  const failure = results.find((result) => result.status === "rejected")
  if (failure !== undefined) throw failure.reason
}
