import {
  createReconcile,
  createReconcileLoop,
  createRunnerAccess,
  type Clock,
  type Logger,
  type RunnerAccess,
  type RunnerHost,
} from "@berth/core"
import type { MemoryStores } from "@berth/memory"
import type { LogId } from "@berth/protocol"
import { mortal, mortalClock } from "./mortal.ts"

/** One server process, from start to SIGKILL. Another follows on the same stores. */
export interface SimulatedServer {
  readonly access: RunnerAccess
  /** Aborts with it: every connection to it is cut. */
  readonly connection: AbortSignal
  wake(log: LogId): void
  kill(): void
}

export function startSimulatedServer(options: {
  readonly stores: MemoryStores
  readonly runnerHost: RunnerHost
  readonly clock: Clock
  readonly logger: Logger
}): SimulatedServer {
  const life = new AbortController()
  const lives = (): boolean => !life.signal.aborted
  const own = <Port extends object>(port: Port): Port => mortal(port, lives)
  const { log, leases, sessions, keys, blobs } = options.stores
  const ports = {
    eventLog: own(log),
    leaseStore: own(leases),
    sessionStore: own(sessions),
    keyStore: own(keys),
    blobStore: own(blobs),
    runnerHost: own(options.runnerHost),
    clock: mortalClock(options.clock, lives),
    logger: options.logger,
  }
  const reconcile = createReconcile({ ...ports, forget: async () => {} })
  const loop = createReconcileLoop({ ...ports, reconcile })
  void loop.run(new AbortController().signal)
  const wake = (id: LogId): void => {
    if (lives()) loop.wake(id)
  }
  return {
    access: createRunnerAccess({ ...ports, orchestrator: { wake } }),
    connection: life.signal,
    wake,
    kill: () => life.abort(),
  }
}
