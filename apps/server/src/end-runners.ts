import type { Clock, EventLog, Logger } from "@berth/core"
import type { SupervisorHost } from "./runner-host.ts"

/** A supervisor that was asked to end has this long to interrupt its turn and take a snapshot. */
const patienceMs = 20_000

/**
 * Ends every runner well, as on Ctrl-C: each interrupts its turn, takes a snapshot and gives its lease
 * back. What one could not hand over in time stays on disk for the next server.
 */
export async function endRunners(options: {
  readonly runnerHost: SupervisorHost
  readonly eventLog: EventLog
  readonly clock: Clock
  readonly logger: Logger
}): Promise<void> {
  const { runnerHost, eventLog, clock, logger } = options
  await runnerHost.askToEnd()
  const deadline = clock.now() + patienceMs
  for (;;) {
    const alive = (await runnerHost.list()).filter((runner) => runner.isAlive)
    if (alive.length === 0) break
    if (clock.now() > deadline) {
      logger.warn({ count: alive.length }, "some supervisors did not end in time")
      return
    }
    await clock.sleep(20)
  }
  for (const { log, generation } of await runnerHost.list()) {
    const { head } = await eventLog.state(log)
    const isReleased = head.sandbox?.generation === generation && head.sandbox.state === "released"
    if (isReleased) await runnerHost.remove(log, generation)
  }
}
