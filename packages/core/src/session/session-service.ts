import {
  isSessionId,
  type CreateSessionRequest,
  type LogId,
  type NotificationParams,
  type ProjectId,
  type SessionId,
  type UpdateSessionRequest,
} from "@berth/protocol"
import { findAgent } from "../agents/find-agent.ts"
import type { AgentCatalog } from "../agents/agent-catalog.ts"
import { AppError } from "../errors/app-error.ts"
import type { EventLog, LogState } from "../ports/event-log.ts"
import type { KeyStore } from "../ports/key-store.ts"
import type { Orchestrator } from "../ports/orchestrator.ts"
import type { Clock, Ids } from "../ports/runtime.ts"
import type { SessionRecord, SessionSpec, SessionStore } from "../ports/session-store.ts"
import { createHead } from "./head.ts"
import { parseCommand } from "./parse-command.ts"
import { serverEntry } from "./server-entry.ts"
import { createSpec, sessionEnvironment, updateSpec } from "./session-service-spec.ts"
import type { Sender, SubmitCommand } from "./submit-command.ts"

export interface SessionServiceOptions {
  readonly eventLog: EventLog
  readonly sessionStore: SessionStore
  readonly keyStore: KeyStore
  readonly orchestrator: Orchestrator
  readonly agents: AgentCatalog
  /** Whether a session may name a program of its own (`{argv}`). */
  readonly allowCustomAgents: boolean
  readonly submitCommand: SubmitCommand
  readonly clock: Clock
  readonly ids: Ids
}

export interface SessionView {
  readonly record: SessionRecord
  readonly state: LogState
}

/** Where a session's variables are kept, encrypted. */
export function sessionSecretScope(log: LogId): string {
  return `session/${log}`
}

/** Sessions as clients have them: aliases over logs. */
export interface SessionService {
  /** `id_taken`, `agent_not_found`, `runtime_missing`, `forbidden`, `bad_params`. */
  create(project: ProjectId, request: CreateSessionRequest, by: Sender["by"]): Promise<SessionView>
  /** `session_not_found`. */
  find(project: ProjectId, id: SessionId): Promise<SessionRecord>
  get(project: ProjectId, id: SessionId): Promise<SessionView>
  update(project: ProjectId, id: SessionId, request: UpdateSessionRequest): Promise<SessionView>
  /** The id is free at once; what is left of the session is cleaned up behind it. */
  remove(project: ProjectId, id: SessionId): Promise<void>
  /** The ids of all sessions of the project that were removed. */
  removeAll(project: ProjectId): Promise<readonly SessionId[]>
}

export function createSessionService(options: SessionServiceOptions): SessionService {
  const { eventLog, sessionStore, keyStore, orchestrator, submitCommand, clock, ids } = options

  const find: SessionService["find"] = async (project, id) => {
    const record = await sessionStore.find(project, id)
    if (record === null) throw notFound(id)
    return record
  }

  const view = async (record: SessionRecord): Promise<SessionView> => ({
    record,
    state: await eventLog.state(record.log),
  })

  /** The log comes first: an alias without a log could not be used, a log without an alias is only waste. */
  const insert = async (record: SessionRecord, env: Readonly<Record<string, string>>): Promise<void> => {
    const scope = sessionSecretScope(record.log)
    await eventLog.create(record.log, createHead(record.id))
    if (Object.keys(env).length > 0) await keyStore.putSecrets(scope, env)
    try {
      await sessionStore.insert(record)
    } catch (error) {
      await eventLog.close(record.log, { erase: true })
      await keyStore.putSecrets(scope, {})
      throw error
    }
  }

  const remove: SessionService["remove"] = async (project, id) => {
    const log = await sessionStore.delete(project, id)
    if (log === null) throw notFound(id)
    // Fences the runner and ends every reader now; the tombstone drives the rest.
    await eventLog.close(log)
    orchestrator.wake(log)
  }

  return {
    find,
    remove,
    async create(project, request, by) {
      const id = chooseId(request, ids)
      const agent = await findAgent(options, request.agent)
      if ((await sessionStore.find(project, id)) !== null) throw idTaken(id)
      const createdAt = new Date(clock.now()).toISOString()
      const log = `log_${ids.next()}` as LogId
      const spec = createSpec(request, agent)
      const record: SessionRecord = { project, id, log, createdAt, updatedAt: createdAt, spec }
      await insert(record, sessionEnvironment(request))
      if (request.prompt !== undefined) {
        const command = parseCommand({ method: "session/prompt", params: { prompt: request.prompt } }, id)
        await submitCommand(record, command, { key: "create", by })
      }
      return view(record)
    },
    async get(project, id) {
      return view(await find(project, id))
    },
    async update(project, id, request) {
      const before = await find(project, id)
      const after = await sessionStore.update(before.log, updateSpec(before.spec, request))
      if (after === null) throw notFound(id)
      const changes = runnerChanges(before.spec, after.spec)
      if (Object.keys(changes).length > 0) {
        const params = { sessionId: id, ...changes }
        const entry = serverEntry({ method: "_berth/session_updated", params })
        await eventLog.submit(after.log, { key: `server/update/${ids.next()}`, entries: [entry] })
      }
      orchestrator.wake(after.log)
      return view(after)
    },
    async removeAll(project) {
      const removed: SessionId[] = []
      for (;;) {
        const { items } = await sessionStore.list(project, { limit: 500 })
        if (items.length === 0) return removed
        for (const { id } of items) {
          await remove(project, id).catch(ignoreNotFound)
          removed.push(id)
        }
      }
    },
  }
}

/** Pure. What a runner goes by and a PATCH changed. */
function runnerChanges(
  before: SessionSpec,
  after: SessionSpec,
): Omit<NotificationParams<"_berth/session_updated">, "sessionId"> {
  const isChanged = (name: "permissions" | "permissionHoldMs" | "network" | "budget"): boolean =>
    JSON.stringify(before[name]) !== JSON.stringify(after[name])
  return {
    ...(isChanged("permissions") ? { permissions: after.permissions } : {}),
    ...(isChanged("permissionHoldMs") ? { permissionHoldMs: after.permissionHoldMs } : {}),
    ...(isChanged("network") ? { network: after.network } : {}),
    ...(isChanged("budget") ? { budget: after.budget } : {}),
  }
}

function chooseId(request: CreateSessionRequest, ids: Ids): SessionId {
  const { id, session_id: sessionId } = request
  if (id !== undefined && sessionId !== undefined && id !== sessionId) {
    throw new AppError("bad_params", "id and session_id differ. Send one of them.", {
      details: { path: "id" },
    })
  }
  const chosen = id ?? sessionId ?? `sess-${ids.next()}`
  if (!isSessionId(chosen)) {
    throw new AppError("bad_params", "Use letters, digits, _ and - for the id, 1 to 128 of them.", {
      details: { path: "id" },
    })
  }
  return chosen
}

function idTaken(id: SessionId): AppError {
  return new AppError("id_taken", `There is a session ${id} already. Choose another id.`, { details: { id } })
}

function notFound(id: SessionId): AppError {
  return new AppError("session_not_found", `There is no session ${id}. List the sessions to find its id.`)
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof AppError) || error.code !== "session_not_found") throw error
}
