import { createBubblewrapProvider } from "@berth/bubblewrap"
import type { Clock, Logger, SandboxProvider } from "@berth/core"

const idleAfterMs = 100

export interface Ahead {
  /** What was prepared for this folder, or null. */
  take(sandboxDirectory: string): SandboxProvider | null
}

/**
 * A supervisor that was started before it is needed uses the time: once it has waited for a moment, it loads
 * what it will want next, and tries the host for the folder of sandboxes it was told of.
 */
export function startAhead(options: {
  readonly sandboxDirectory: string | undefined
  readonly clock: Clock
  readonly logger: Logger
}): Ahead {
  const { sandboxDirectory, clock, logger } = options
  let provider: SandboxProvider | null = null
  const timer = setTimeout(() => {
    // One after the other: the tools are asked for last, and by then there has been time.
    void import("@agentclientprotocol/sdk").then(() => import("./serve-tools.ts"))
    if (sandboxDirectory === undefined) return
    provider = createBubblewrapProvider({ directory: sandboxDirectory, clock, logger })
    // Tried again, and told of, when there is a session to tell.
    void provider.probe().catch(() => undefined)
  }, idleAfterMs)
  return {
    take(wanted) {
      clearTimeout(timer)
      return wanted === sandboxDirectory ? provider : null
    },
  }
}
