import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import {
  AppError,
  type AgentProgram,
  type Clock,
  type RunnerHost,
  type RunnerInfo,
  type RunnerStart,
  type RunnerTokens,
  type SandboxProvider,
} from "@berth/core"
import { isLogId, runnerProtocolVersion, type BlobHash, type LogId } from "@berth/protocol"
import { readUnsent, type ImportBlob } from "@berth/supervisor"
import { z } from "zod"
import { isProcessAlive, type ProcessIdentity } from "./process-identity.ts"
import type { SupervisorSpawner } from "./supervisor-spawner.ts"

const runnerFile = z.object({ pid: z.number().int().positive(), startTime: z.string() })
const stopTimeoutMs = 5_000

export interface SupervisorHostOptions {
  /** `<directory>/<log>/<generation>` holds a runner's state: its spool, its log, who it is. */
  readonly directory: string
  readonly sandboxDirectory: string
  readonly serverSocket: string
  readonly spawner: SupervisorSpawner
  readonly isUnsafe: boolean
  readonly orphanTimeoutMs: number
  readonly logLevel: string
  readonly provider: SandboxProvider
  readonly clock: Clock
  readonly runnerTokens: RunnerTokens
  readonly resolveAgent: (start: RunnerStart) => Promise<AgentProgram>
  /** Opens the way out for a sandbox and answers with its folder of sockets. */
  readonly openGateway: (start: RunnerStart, agent: AgentProgram) => Promise<{ readonly directory: string }>
  readonly closeGateway: (log: LogId, generation: number) => Promise<void>
  /** Keeps the content of a last snapshot that a dead runner could not hand over. */
  readonly importBlob: (log: LogId, hash: BlobHash, content: ReadableStream<Uint8Array>) => Promise<void>
  /** Called when a runner that this process started has ended. */
  readonly onExit: (log: LogId) => void
}

export interface SupervisorHost extends RunnerHost {
  /** Asks every runner to interrupt its turn, take a snapshot and end. Does not wait. */
  askToEnd(): Promise<void>
}

/**
 * Runners as detached host processes: own session, own stdio, so that neither the death of the server
 * nor a closed terminal reaches them. What is known of them is on disk alone.
 */
export function createSupervisorHost(options: SupervisorHostOptions): SupervisorHost {
  const folder = (log: LogId, generation: number): string => join(options.directory, log, String(generation))

  const launch = async (start: RunnerStart): Promise<void> => {
    const { record, generation, epoch } = start
    const stateDirectory = folder(record.log, generation)
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 })
    const agent = await options.resolveAgent(start)
    const sockets = await options.openGateway(start, agent)
    const document = {
      protocol: runnerProtocolVersion,
      logId: record.log,
      generation,
      epoch,
      token: await options.runnerTokens.issue({ log: record.log, generation, epoch }),
      serverSocket: options.serverSocket,
      stateDirectory,
      sandboxDirectory: options.sandboxDirectory,
      socketsDirectory: sockets.directory,
      agent,
      isUnsafe: options.isUnsafe,
      limits: record.spec.limits,
      orphanTimeoutMs: options.orphanTimeoutMs,
      logLevel: options.logLevel,
    }
    const text = JSON.stringify(document)
    const identity = options.spawner.launch(stateDirectory, text, () => options.onExit(record.log))
    await writeIdentity(stateDirectory, identity)
    options.spawner.prepare()
  }

  const listLog = async (log: LogId): Promise<RunnerInfo[]> => {
    const names = await readFolder(join(options.directory, log))
    const generations = names.filter((name) => /^\d+$/.test(name)).map(Number)
    const info = async (generation: number): Promise<RunnerInfo> => {
      const identity = await readIdentity(folder(log, generation))
      return { log, generation, isAlive: identity !== null && isProcessAlive(identity) }
    }
    return Promise.all(generations.map(info))
  }

  const destroySandboxes = async (log: LogId, generation: number): Promise<void> => {
    for (const { id, labels } of await options.provider.list()) {
      if (labels.logId === log && labels.generation === generation) await options.provider.destroy(id)
    }
  }

  const stop: RunnerHost["stop"] = async (log, generation) => {
    const directory = folder(log, generation)
    const identity = await readIdentity(directory)
    if (identity !== null) await killAndWait(identity, options.clock)
    await destroySandboxes(log, generation)
    const importBlob: ImportBlob = (hash, content) => options.importBlob(log, hash, content)
    return { unsent: await readUnsent(directory, importBlob) }
  }

  return {
    start: launch,
    async list(log) {
      if (log !== undefined) return listLog(log)
      const logs = (await readFolder(options.directory)).filter(isLogId)
      const runners = (await Promise.all(logs.map(listLog))).flat()
      const known = new Set(runners.map((runner) => `${runner.log}/${runner.generation}`))
      // A sandbox without a runner's folder: its removal was cut short.
      const left = (await options.provider.list())
        .filter(({ labels }) => !known.has(`${labels.logId}/${labels.generation}`))
        .map(({ labels, isAlive }) => ({ log: labels.logId, generation: labels.generation, isAlive }))
      return [...runners, ...left]
    },
    stop,
    async askToEnd() {
      const logs = (await readFolder(options.directory)).filter(isLogId)
      const runners = (await Promise.all(logs.map(listLog))).flat()
      for (const { log, generation, isAlive } of runners) {
        const identity = isAlive ? await readIdentity(folder(log, generation)) : null
        if (identity !== null) signal(identity, "SIGTERM")
      }
    },
    async remove(log, generation) {
      await stop(log, generation)
      await options.closeGateway(log, generation)
      await rm(folder(log, generation), { recursive: true, force: true })
      const rest = await readFolder(join(options.directory, log))
      if (rest.length === 0) await rm(join(options.directory, log), { recursive: true, force: true })
    },
  }
}

async function writeIdentity(directory: string, identity: ProcessIdentity): Promise<void> {
  const path = join(directory, "runner.json")
  await writeFile(`${path}.new`, JSON.stringify(identity), { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** As the server noted it, or as the supervisor did itself when the server died before it could. */
async function readIdentity(directory: string): Promise<ProcessIdentity | null> {
  for (const name of ["runner.json", "supervisor.json"]) {
    const text = await readFile(join(directory, name), "utf8").catch(nullWhenAbsent)
    if (text !== null) return runnerFile.parse(JSON.parse(text))
  }
  return null
}

async function readFolder(path: string): Promise<readonly string[]> {
  return (await readdir(path).catch(nullWhenAbsent)) ?? []
}

function nullWhenAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null
  throw error
}

async function killAndWait(identity: ProcessIdentity, clock: Clock): Promise<void> {
  const deadline = clock.now() + stopTimeoutMs
  while (isProcessAlive(identity)) {
    if (clock.now() > deadline) {
      throw new AppError(
        "unavailable",
        `The supervisor ${identity.pid} does not end; see its state in /proc.`,
      )
    }
    signal(identity, "SIGKILL")
    await clock.sleep(5)
  }
}

function signal({ pid }: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}
