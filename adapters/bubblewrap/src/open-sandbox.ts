import { existsSync } from "node:fs"
import { AppError, type Clock, type Logger, type Sandbox } from "@berth/core"
import { memoryKills } from "./cgroup/sandbox-group.ts"
import { checkSpawn } from "./check-spawn.ts"
import { createSandboxFiles } from "./files/sandbox-files.ts"
import { diskLimits, measureDisk } from "./limits/disk-meter.ts"
import { createLimitWatch } from "./limits/limit-watch.ts"
import { endLargestProcess } from "./limits/memory-meter.ts"
import type { StartedProcess } from "./process/start-process.ts"
import { layoutOf, storedParts } from "./sandbox-layout.ts"
import type { SandboxKind } from "./sandbox-kind.ts"
import { endProcesses, settledProcesses } from "./sandbox-processes.ts"
import type { SandboxRecord } from "./sandbox-record.ts"

export interface OpenSandboxHost extends Pick<SandboxKind, "launch"> {
  readonly directory: string
  readonly clock: Clock
  readonly logger: Logger
}

/** The sandbox of `record`. Several may be open for one, in several processes. */
export function openSandbox(host: OpenSandboxHost, record: SandboxRecord): Sandbox {
  const { clock, logger } = host
  const { id, limits, owner, group, isolation } = record
  const layout = layoutOf(host.directory, id)
  const bounds = diskLimits(limits.diskMib)
  const running = new Set<StartedProcess>()
  const exceeded = Promise.withResolvers<"disk">()
  let isOverDisk = false
  let memoryEnds = 0

  const pids = (): readonly number[] => settledProcesses(record)
  const memoryDeaths = (): number => memoryEnds + (group === null ? 0 : memoryKills(group))
  const watch = createLimitWatch({
    clock,
    logger,
    async look() {
      const isMemoryPolled = isolation.limits.memory_mib.mechanism === "polled"
      if (isMemoryPolled && endLargestProcess(pids(), limits.memoryMib)) memoryEnds += 1
      const wasOverDisk = isOverDisk
      if (!(await isDiskFull()) || (wasOverDisk && running.size === 0)) return
      logger.warn({ sandbox: id, ...bounds }, "a sandbox is over its disk limit")
      await endAll("disk")
      exceeded.resolve("disk")
    },
  })

  async function isDiskFull(): Promise<boolean> {
    const roots = storedParts.map((part) => layout[part])
    isOverDisk = (await measureDisk(roots, pids, bounds)).isOver
    return isOverDisk
  }

  function explain(cause: unknown): never {
    if (existsSync(layout.workspace)) throw cause
    throw new AppError("not_found", "The sandbox is gone: create another.", { cause })
  }

  async function endAll(reason: "killed" | "disk"): Promise<void> {
    const ends = [...running].map((process) => process.end(reason))
    await endProcesses(record, clock, false)
    await Promise.all(ends)
  }

  return {
    id,
    isolation,
    exceeded: exceeded.promise,
    files: createSandboxFiles({ roots: layout, staging: layout.staging, owner, maxFileBytes: bounds.bytes }),
    stop: () => endAll("killed"),

    async spawn(argv, options = {}) {
      checkSpawn(argv, options)
      options.signal?.throwIfAborted()
      if (isOverDisk && (await isDiskFull())) {
        throw new AppError(
          "storage_full",
          "The sandbox is over its disk limit: remove files, then try again.",
        )
      }
      const process = await host.launch({ record, argv, options, memoryDeaths }).catch(explain)
      running.add(process)
      const watching = watch.start()
      void process.exited.then(() => {
        running.delete(process)
        watching.stop()
      })
      return process
    },
  }
}
