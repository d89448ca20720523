import {
  createMemorySpool,
  createRunner,
  type Clock,
  type Ids,
  type Logger,
  type RunnerDoor,
  type RunnerHost,
  type RunnerIdentity,
  type RunnerLink,
  type Sandbox,
} from "@berth/core"
import type { BlobHash, LogId } from "@berth/protocol"
import { mortal, mortalClock } from "./mortal.ts"
import { createNetwork, type Network } from "./network.ts"
import type { Random } from "./random.ts"
import { createScriptedLauncher, type AgentRecord } from "./scripted-agent.ts"

export interface Faults {
  lossShare: number
  agentDeathShare: number
  /** How often a runner that should be ended is not, and goes on as a stale one. */
  zombieShare: number
  /** How often a dead runner's spool is gone with it. */
  spoolLossShare: number
  /** How often a runner dies in the very moment in which its agent has got a prompt. */
  promptDeathShare: number
}

interface RunnerProcess {
  readonly log: LogId
  readonly generation: number
  spool: ReturnType<typeof createMemorySpool>
  isAlive: boolean
  /** Taken for dead, and still running: as when the host it is on cannot be asked. */
  isMisjudged: boolean
  /** Replaced, seen by nobody any more, and still running. */
  isZombie: boolean
  /** Aborts when its connections are cut; null while it can make none. */
  network: AbortController | null
}

export interface SimulatedHost {
  readonly port: RunnerHost
  /** SIGKILL of one that runs. */
  killOne(): void
  /** Takes one that runs for dead. */
  misjudgeOne(): void
  /** Cuts one off for a while, long or short. */
  partitionOne(): void
  aliveCount(): number
}

/** The operating system of a simulation: runner processes with their spools, which outlive any server. */
export function createSimulatedHost(options: {
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly logger: Logger
  readonly faults: Faults
  readonly record: AgentRecord
  /** The server of the moment; null while there is none. */
  readonly openDoor: (identity: RunnerIdentity) => RunnerDoor | null
  /** Connections to the server of the moment: cut when it dies; null while there is none. */
  readonly serverConnection: () => AbortSignal | null
  readonly onExit: (log: LogId) => void
}): SimulatedHost {
  const { clock, ids, random, logger, faults, record, openDoor, serverConnection, onExit } = options
  const processes: RunnerProcess[] = []
  const find = (log: LogId, generation: number): RunnerProcess | undefined =>
    processes.find((each) => each.log === log && each.generation === generation && !each.isZombie)
  const running = (): RunnerProcess[] => processes.filter((each) => each.isAlive)

  const launch = (process: RunnerProcess, epoch: number): void => {
    const isAlive = (): boolean => process.isAlive
    const ownClock = mortalClock(clock, isAlive)
    const connection = (): AbortSignal | null => {
      const server = serverConnection()
      return server === null || process.network === null
        ? null
        : AbortSignal.any([server, process.network.signal])
    }
    const network = createNetwork({ clock: ownClock, random, faults, connection })
    const { log, generation } = process
    const link = linkOver(network, () => openDoor({ log, generation, epoch }))
    let worked = 0
    const workspace = {
      restore: async (manifest: BlobHash) => {
        worked = Number.parseInt(manifest, 16)
        return { skipped: [], skippedCount: 0 }
      },
      snapshot: async () => {
        await ownClock.sleep(random.below(10))
        worked += 1
        const manifest = worked.toString(16).padStart(64, "0") as BlobHash
        return { manifest, files: 1, bytes: 1, fuzzy: false, skipped: [], skippedCount: 0 }
      },
    }
    const runner = createRunner({
      link: mortal(link, isAlive),
      spool: mortal(process.spool, isAlive),
      sandbox: sandboxOf(process),
      launcher: mortal(
        createScriptedLauncher({
          clock: ownClock,
          random,
          record,
          faults,
          onPrompt: () => dieOnPrompt(process),
        }),
        isAlive,
      ),
      program: { instructions: "prompt" },
      createWorkspace: () => workspace,
      hashContent: async () => "0".repeat(64) as BlobHash,
      serveTools: async () => {},
      orphanTimeoutMs: 600_000,
      clock: ownClock,
      ids,
      logger,
    })
    void runner.run(new AbortController().signal).then(() => {
      process.isAlive = false
      onExit(log)
    })
  }

  const dieOnPrompt = (process: RunnerProcess): void => {
    if (random.chance(faults.promptDeathShare)) process.isAlive = false
  }

  return {
    port: {
      async start({ record: session, generation, epoch }) {
        if (random.chance(faults.lossShare)) throw new Error("no process could be started")
        const spool = createMemorySpool()
        const network = new AbortController()
        const process = {
          log: session.log,
          generation,
          spool,
          isAlive: true,
          isMisjudged: false,
          isZombie: false,
          network,
        }
        processes.push(process)
        launch(process, epoch)
      },
      async list(log) {
        return processes
          .filter((each) => !each.isZombie && (log === undefined || each.log === log))
          .map(({ log: of, generation, isAlive, isMisjudged }) => ({
            log: of,
            generation,
            isAlive: isAlive && !isMisjudged,
          }))
      },
      async stop(log, generation) {
        const process = find(log, generation)
        if (process === undefined) return { unsent: [] }
        if (random.chance(faults.spoolLossShare)) process.spool = createMemorySpool()
        const unsent = [...process.spool.lines]
          .map(([n, text]) => ({ n, text }))
          .toSorted((left, right) => left.n - right.n)
        const escapes = process.isMisjudged || random.chance(faults.zombieShare)
        if (process.isAlive && escapes) process.isZombie = true
        else process.isAlive = false
        return { unsent }
      },
      async remove(log, generation) {
        const process = find(log, generation)
        if (process === undefined) return
        process.isAlive = false
        processes.splice(processes.indexOf(process), 1)
      },
    },
    killOne() {
      const alive = running()
      if (alive.length > 0) random.pick(alive).isAlive = false
    },
    misjudgeOne() {
      const alive = running()
      if (alive.length > 0) random.pick(alive).isMisjudged = true
    },
    partitionOne() {
      const alive = running()
      if (alive.length === 0) return
      const process = random.pick(alive)
      process.network?.abort()
      process.network = null
      const ms = random.chance(0.4) ? 100_000 : random.below(5_000)
      void clock.sleep(ms).then(() => (process.network = new AbortController()))
    },
    aliveCount: () => running().length,
  }
}

function linkOver(network: Network, open: () => RunnerDoor | null): RunnerLink {
  const door = (): RunnerDoor => {
    const found = open()
    if (found === null) throw new Error("connection refused")
    return found
  }
  return {
    attach: (request) => network.call(async () => door().attach(request)),
    commands: (after, options) => network.stream(() => door().commands(after, options)),
    append: (firstN, bodies) => network.call(async () => door().append(firstN, bodies)),
    renew: () => network.call(async () => door().renew()),
    restored: (snapshotSeq) => network.call(async () => door().restored(snapshotSeq)),
    release: (reason) => network.call(async () => door().release(reason)),
    blobs: {
      missing: async () => [],
      put: async () => {},
      get: async () => null,
    },
  }
}

const noLimit = { value: 0, mechanism: "none" } as const

function sandboxOf(process: RunnerProcess): Sandbox {
  const absent = async (): Promise<never> => {
    throw new Error("a simulated sandbox has no files")
  }
  return {
    id: `${process.log}/${process.generation}`,
    isolation: {
      level: "none",
      user: "none",
      seccomp: false,
      limits: { memory_mib: noLimit, cpu: noLimit, pids: noLimit, disk_mib: noLimit },
    },
    files: {
      walk: () => ({ [Symbol.asyncIterator]: () => ({ next: absent }) }),
      stat: absent,
      read: absent,
      write: absent,
      link: absent,
      makeDirectory: absent,
      remove: absent,
    },
    spawn: absent,
    stop: async () => {},
    exceeded: new Promise(() => {}),
  }
}
