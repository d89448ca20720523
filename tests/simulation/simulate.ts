import { createHead, type Logger } from "@berth/core"
import { createMemoryStores } from "@berth/memory"
import type { LogId, ProjectId, SessionId } from "@berth/protocol"
import { checkLog } from "./check-log.ts"
import { runClient, runReader, type ClientRecord } from "./client.ts"
import { createNetwork } from "./network.ts"
import { createRandom } from "./random.ts"
import { createSimulatedHost, type Faults } from "./simulated-host.ts"
import { startSimulatedServer, type SimulatedServer } from "./simulated-server.ts"
import type { AgentRecord } from "./scripted-agent.ts"
import { createVirtualTime } from "./virtual-time.ts"

export interface SimulationResult {
  readonly seed: number
  readonly steps: number
  readonly entries: number
  readonly prompts: number
  readonly serverKills: number
  readonly runnerKills: number
  /** Empty when every invariant held. */
  readonly faults: readonly string[]
}

const sessionCount = 3
const clientsPerSession = 2
const readersPerSession = 2
/** Long enough for every timeout there is to pass. */
const healingMs = 900_000

/**
 * Stores, reconcile and runners of core, over virtual time and an unreliable network, with servers and
 * runners that are killed, cut off or left behind at random. Everything follows from the seed.
 */
export async function simulate(seed: number, steps: number, logger: Logger): Promise<SimulationResult> {
  const random = createRandom(seed)
  const time = createVirtualTime(Date.parse("2026-01-01T00:00:00Z"))
  const { clock } = time
  let lastId = 0
  const ids = { next: () => String((lastId += 1)).padStart(26, "0") }
  const stores = createMemoryStores({ clock, ids })
  const faults: Faults = {
    lossShare: 0.02,
    agentDeathShare: 0.003,
    zombieShare: 0.6,
    spoolLossShare: 0.5,
    promptDeathShare: 0.03,
  }
  const agents: AgentRecord = { delivered: new Map(), said: new Map() }
  let server: SimulatedServer | null = null
  let isOver = false
  let serverKills = 0
  let runnerKills = 0

  const wake = (log: LogId): void => server?.wake(log)
  const serverConnection = (): AbortSignal | null => server?.connection ?? null
  const host = createSimulatedHost({
    clock,
    ids,
    random,
    logger,
    faults,
    record: agents,
    openDoor: (identity) => server?.access.open(identity) ?? null,
    serverConnection,
    onExit: wake,
  })
  const startServer = (): void => {
    server = startSimulatedServer({ stores, runnerHost: host.port, clock, logger })
  }
  const killServer = (): void => {
    if (server === null) return
    serverKills += 1
    server.kill()
    server = null
    void clock.sleep(random.chance(0.02) ? 90_000 : random.below(3_000)).then(startServer)
  }

  const sessions = await Promise.all(
    Array.from({ length: sessionCount }, async (_, index) => {
      const log = `log_${String(index).padStart(26, "0")}` as LogId
      const sessionId = `session-${index}` as SessionId
      await stores.log.create(log, createHead(sessionId))
      await stores.sessions.insert(sessionRecord(log, sessionId))
      const clients: ClientRecord = { acknowledged: new Map(), prompts: new Map() }
      const network = createNetwork({ clock, random, faults, connection: serverConnection })
      const common = { log, eventLog: stores.log, network, clock }
      for (let client = 0; client < clientsPerSession; client += 1) {
        const name = `s${index}c${client}`
        const run = runClient({
          ...common,
          name,
          sessionId,
          random,
          record: clients,
          wake,
          isOver: () => isOver,
        })
        run.catch(fail)
      }
      const readers = Array.from({ length: readersPerSession }, () => {
        const lines: string[] = []
        runReader({ ...common, lines }).catch(fail)
        return lines
      })
      return { log, sessionId, clients, readers }
    }),
  )
  const failures: string[] = []
  function fail(error: unknown): void {
    failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  startServer()
  while (time.steps() < steps) {
    if (random.chance(0.001)) killServer()
    if (random.chance(0.001)) {
      runnerKills += 1
      host.killOne()
    }
    if (random.chance(0.002)) host.partitionOne()
    if (random.chance(0.001)) host.misjudgeOne()
    await time.step()
  }

  isOver = true
  Object.assign(faults, {
    lossShare: 0,
    agentDeathShare: 0,
    zombieShare: 0,
    spoolLossShare: 0,
    promptDeathShare: 0,
  })
  const healedAt = clock.now() + healingMs
  while (clock.now() < healedAt) await time.step()

  let entries = 0
  for (const { log, sessionId, clients, readers } of sessions) {
    const page = await stores.log.read(log, 0, Number.MAX_SAFE_INTEGER)
    const { head } = await stores.log.state(log)
    const lines = page.entries.map(({ text }) => text)
    entries += lines.length
    for (const fault of checkLog({ sessionId, lines, head, readers, clients, agents })) {
      failures.push(`${sessionId}: ${fault}`)
    }
  }
  const prompts = sessions.reduce((sum, { clients }) => sum + clients.prompts.size, 0)
  return { seed, steps: time.steps(), entries, prompts, serverKills, runnerKills, faults: failures }
}

function sessionRecord(log: LogId, id: SessionId) {
  const now = "2026-01-01T00:00:00.000Z"
  return {
    project: "default" as ProjectId,
    id,
    log,
    createdAt: now,
    updatedAt: now,
    spec: {
      agent: "shell",
      model: null,
      mode: null,
      instructions: null,
      permissions: "ask" as const,
      trustWorkspace: false,
      network: "none" as const,
      budget: null,
      idleTimeoutMs: 4_000,
      permissionHoldMs: 3_000,
      title: null,
      metadata: {},
      envNames: [],
      limits: { memoryMib: 64, cpu: 1, pids: 16, diskMib: 16 },
    },
  }
}
