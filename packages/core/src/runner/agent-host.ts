import { acpUpdate, limits } from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"
import type { AgentProgram } from "../agents/agent-program.ts"
import type { Clock, Logger } from "../ports/runtime.ts"
import { abortable } from "./abortable.ts"
import type {
  AgentConnection,
  AgentExit,
  AgentHandlers,
  AgentLauncher,
  Conversation,
} from "./agent-connection.ts"
import { messageOf } from "./link-errors.ts"
import type { Outbox } from "./outbox.ts"
import type { RunnerSession } from "./runner-link.ts"

/** How long an agent may take to end by itself before it is killed. */
const endGraceMs = 1_000
const detailLengthMax = 4_096

/** The one agent of a session: started when it is needed, started again after it ended. */
export interface AgentHost {
  /** The running agent; starts it when there is none. Rejects with an AppError that says why not. */
  ready(): Promise<AgentConnection>
  readonly current: AgentConnection | null
  /** Whether the conversation was new when the agent was started last: nothing was said in it yet. */
  readonly isFresh: boolean
  markUsed(): void
  setMode(modeId: string): Promise<void>
  setConfigOption(configId: string, value: string | boolean): Promise<void>
  /** Ends the process tree at once. */
  kill(): Promise<void>
  /** Lets it end by itself for a moment, then kills it. */
  end(): Promise<void>
}

export function createAgentHost(options: {
  readonly launcher: AgentLauncher
  readonly program: Pick<AgentProgram, "instructions" | "meta">
  readonly session: RunnerSession
  readonly agentSessionId: string | null
  readonly handlers: Omit<AgentHandlers, "update" | "room">
  readonly outbox: Outbox
  readonly clock: Clock
  readonly logger: Logger
}): AgentHost {
  const { launcher, program, session, outbox, clock, logger } = options
  const configOptions = new Map<string, string | boolean>()
  let modeId = session.mode
  let agentSessionId = options.agentSessionId
  let current: AgentConnection | null = null
  let starting: Promise<AgentConnection> | null = null
  let stop = new AbortController()
  let isFresh = false

  const fail = (code: string, message: string): void => outbox.write("_berth/error", { code, message })

  const meta = (): Readonly<Record<string, unknown>> | null => {
    const own = session.trustWorkspace ? program.meta?.trusted : program.meta?.untrusted
    if (program.instructions !== "meta" || session.instructions === null) return own ?? null
    return { ...own, systemPrompt: { append: session.instructions } }
  }

  const openNew = async (connection: AgentConnection): Promise<Conversation> => {
    isFresh = true
    return connection.open(null, meta())
  }

  const openAgain = async (connection: AgentConnection, known: string): Promise<Conversation | null> => {
    if (!connection.canLoad) return null
    try {
      return await connection.open(known, meta())
    } catch (error) {
      logger.warn({ error: messageOf(error) }, "the agent could not load its conversation")
      return null
    }
  }

  /** A setting that fails leaves an agent that works otherwise: it is said, and the turn goes on. */
  const attempt = async (what: string, action: () => Promise<void>): Promise<void> => {
    try {
      await action()
    } catch (error) {
      fail("agent_setting_refused", `The agent did not take ${what}: ${messageOf(error)}`)
    }
  }

  const configure = async (connection: AgentConnection, conversation: Conversation): Promise<void> => {
    const { model } = session
    const chooser = conversation.configOptions.find((option) => option.category === "model")
    if (model !== null && chooser !== undefined) {
      await attempt(`the model ${model}`, () => connection.setConfigOption(chooser.id, model))
    }
    const wanted = modeId
    if (wanted !== null) await attempt(`the mode ${wanted}`, () => connection.setMode(wanted))
    for (const [id, value] of configOptions) {
      await attempt(`the option ${id}`, () => connection.setConfigOption(id, value))
    }
  }

  const watch = (connection: AgentConnection): void => {
    void connection.exited.then((exit) => {
      if (current === connection) current = null
      const detail = exitDetail(exit)
      outbox.write("_berth/agent_state", { state: "exited", exitCode: exit.code, detail })
    })
  }

  /** Ends a process that came up after nobody waited for it any longer. */
  const launch = async (handlers: AgentHandlers, signal: AbortSignal): Promise<AgentConnection> => {
    outbox.write("_berth/agent_state", { state: "starting" })
    const launched = launcher.start({ session, handlers, signal })
    try {
      return await abortable(launched, signal)
    } catch (error) {
      void launched.then((late) => late.kill()).catch(() => undefined)
      outbox.write("_berth/agent_state", {
        state: "exited",
        detail: messageOf(error).slice(0, detailLengthMax),
      })
      throw error
    }
  }

  const start = async (signal: AbortSignal): Promise<AgentConnection> => {
    let isReplaying = false
    const handlers: AgentHandlers = {
      ...options.handlers,
      update: (update) => {
        if (!isReplaying || !isHistory(update)) passOn(outbox, update)
      },
      room: () => outbox.room(),
    }
    const connection = await launch(handlers, signal)
    watch(connection)
    try {
      const known = agentSessionId
      isReplaying = known !== null
      const loaded = known === null ? null : await abortable(openAgain(connection, known), signal)
      isReplaying = false
      const conversation = loaded ?? (await abortable(openNew(connection), signal))
      if (known !== null && loaded === null) {
        fail("conversation_lost", "The agent's conversation could not be restored; it starts anew.")
      }
      agentSessionId = conversation.agentSessionId
      await abortable(configure(connection, conversation), signal)
      const resumed = loaded !== null
      outbox.write("_berth/agent_state", { state: "connected", agentSessionId, resumed })
      current = connection
      return connection
    } catch (error) {
      await connection.kill()
      throw error
    }
  }

  const startInTime = async (): Promise<AgentConnection> => {
    const mine = new AbortController()
    stop = mine
    const done = new AbortController()
    void clock.sleep(limits.agentStartTimeoutMs, { signal: done.signal }).then(() => {
      const seconds = limits.agentStartTimeoutMs / 1000
      if (!done.signal.aborted) mine.abort(new Error(`it was not ready after ${seconds} s`))
    })
    try {
      return await start(mine.signal)
    } catch (error) {
      const reason: unknown = mine.signal.aborted ? mine.signal.reason : error
      throw new AppError("upstream_failed", `The agent could not be started: ${messageOf(reason)}`, {
        cause: error,
      })
    } finally {
      done.abort()
    }
  }

  const kill = async (): Promise<void> => {
    stop.abort(new Error("it was stopped"))
    await starting?.catch(() => undefined)
    await current?.kill()
    current = null
  }

  return {
    get current() {
      return current
    },
    get isFresh() {
      return isFresh
    },
    markUsed: () => void (isFresh = false),
    async ready() {
      if (current !== null) return current
      starting ??= startInTime().finally(() => (starting = null))
      return starting
    },
    async setMode(wanted) {
      await (current ?? (await this.ready())).setMode(wanted)
      modeId = wanted
    },
    async setConfigOption(id, value) {
      await (current ?? (await this.ready())).setConfigOption(id, value)
      configOptions.set(id, value)
    },
    kill,
    async end() {
      const connection = current
      if (connection !== null) {
        await connection.end().catch((error: unknown) => {
          logger.debug({ error: messageOf(error) }, "the agent could not be asked to end")
        })
        const done = new AbortController()
        await Promise.race([connection.exited, clock.sleep(endGraceMs, { signal: done.signal })])
        done.abort()
      }
      await kill()
    },
  }
}

/** What an agent repeats when it loads a conversation. Its modes and commands are news even then. */
const historyKinds: ReadonlySet<unknown> = new Set([
  "user_message_chunk",
  "agent_message_chunk",
  "agent_thought_chunk",
  "tool_call",
  "tool_call_update",
  "plan",
  "notice",
  "compaction_update",
  "compaction_summary_chunk",
])

function isHistory(update: unknown): boolean {
  if (typeof update !== "object" || update === null || !("sessionUpdate" in update)) return true
  return historyKinds.has(update.sessionUpdate)
}

function passOn(outbox: Outbox, update: unknown): void {
  const checked = acpUpdate.safeParse(update)
  if (checked.success) return outbox.write("session/update", { update: checked.data })
  const [issue] = checked.error.issues
  const message = `An update of the agent is not valid ACP: ${issue?.path.join(".")}: ${issue?.message}`
  outbox.write("_berth/error", { code: "bad_agent_update", message: message.slice(0, 1024) })
}

function exitDetail(exit: AgentExit): string {
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`
  const why = exit.reason === "exited" ? how : `${exit.reason}, ${how}`
  return exit.stderrTail === "" ? why : `${why}\n${exit.stderrTail}`
}
