import { setImmediate as nextTurn } from "node:timers/promises"

/** Resolves when the condition holds; fails with `what` after ten seconds. */
export async function waitFor(what: string, isThere: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!isThere()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await nextTurn()
  }
}
