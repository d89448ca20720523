import {
  agent,
  methods,
  PROTOCOL_VERSION,
  RequestError,
  type AgentApp,
  type AgentContext,
  type ContentBlock,
} from "@agentclientprotocol/sdk"
import { isSessionId, openConversation, type Conversation } from "./conversation.ts"
import type { Config } from "./config.ts"
import { describeModes, modeIds } from "./modes.ts"
import { endTree, isTreeAlive } from "./process-tree.ts"
import type { Piece } from "./output-pieces.ts"
import { runTurn, type TurnResult, type Permission, type TurnPorts } from "./run-turn.ts"
import { replayTurn } from "./show-turn.ts"

interface OpenSession {
  readonly id: string
  /** The client's, for when the kept folder is gone. */
  readonly cwd: string
  conversation: Conversation
  running: AbortController | null
}

export interface ShellAgent {
  readonly app: AgentApp
  /** Ends all scripts and what they left in the background. For when the connection is gone. */
  close(): Promise<void>
}

const notKept =
  "[variables and functions are too large to keep: the next prompt after a restart lacks them]\n"

/** An ACP agent without a model: each prompt is a bash script (README.md). */
export function createShellAgent(config: Config): ShellAgent {
  const sessions = new Map<string, OpenSession>()
  /** Leaders of scripts of which something may live on. */
  const leftBehind = new Set<number>()
  const prompts = new Set<Promise<unknown>>()

  function find(sessionId: string): OpenSession {
    const session = sessions.get(sessionId)
    if (session === undefined) throw RequestError.sessionNotFound(sessionId)
    return session
  }

  async function endLeftovers(): Promise<boolean> {
    const leaders = [...leftBehind]
    leftBehind.clear()
    await Promise.all(leaders.map(endTree))
    return leaders.length > 0
  }

  async function keep(session: OpenSession, conversation: Conversation): Promise<boolean> {
    session.conversation = conversation
    return openConversation(config.stateDirectory, session.id).save(conversation)
  }

  async function prompt(session: OpenSession, blocks: readonly ContentBlock[], client: AgentContext) {
    if (session.running !== null) {
      throw RequestError.invalidRequest(undefined, "a script is running: wait for it, or cancel it")
    }
    const script = readScript(blocks)
    const running = new AbortController()
    session.running = running
    try {
      const { conversation } = session
      const toolCallId = `run-${conversation.turns + 1}`
      const result = await runTurn(
        {
          toolCallId,
          script,
          mustAsk: conversation.mode === "ask",
          shell: conversation.shell,
          fallbackCwd: session.cwd,
          signal: running.signal,
        },
        { ...createPorts(session.id, client, config.env), endLeftovers },
      )
      if (result.leader !== null && isTreeAlive(result.leader)) leftBehind.add(result.leader)
      await finish(session, { toolCallId, script }, result, client)
      return { stopReason: result.stopReason }
    } finally {
      session.running = null
    }
  }

  /** Keeps what the next prompt starts with, and what `session/load` shows. */
  async function finish(
    session: OpenSession,
    { toolCallId, script }: { readonly toolCallId: string; readonly script: string },
    result: TurnResult,
    client: AgentContext,
  ): Promise<void> {
    const { turns, shell } = session.conversation
    const mode = result.allowsAlways ? "auto" : session.conversation.mode
    const isKept = await keep(session, { mode, turns: turns + 1, shell: result.shell ?? shell })
    const notes: readonly Piece[] = isKept ? [] : [{ stream: "stderr", text: notKept }]
    const { status, exitCode } = result
    const output = [...result.output, ...notes]
    await openConversation(config.stateDirectory, session.id).remember({
      toolCallId,
      script,
      status,
      exitCode,
      output,
    })
    for (const { text } of notes) {
      const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text } } as const
      await notify(client, session.id, update)
    }
    if (!result.allowsAlways) return
    await notify(client, session.id, { sessionUpdate: "current_mode_update", currentModeId: mode })
  }

  const app = agent({ name: "berth-shell" })
    .onRequest(methods.agent.initialize, () => ({
      protocolVersion: PROTOCOL_VERSION,
      agentInfo: { name: "berth-shell", title: "Shell", version: "0.1.0" },
      agentCapabilities: { loadSession: true },
      authMethods: [],
    }))
    .onRequest(methods.agent.session.new, async ({ params }) => {
      const session: OpenSession = {
        id: `shell-${crypto.randomUUID()}`,
        cwd: params.cwd,
        conversation: {
          mode: "ask",
          turns: 0,
          shell: { cwd: params.cwd, env: {}, unset: [], definitions: [] },
        },
        running: null,
      }
      await keep(session, session.conversation)
      sessions.set(session.id, session)
      return { sessionId: session.id, modes: describeModes(session.conversation.mode) }
    })
    .onRequest(methods.agent.session.load, async ({ params, client }) => {
      const { sessionId, cwd } = params
      if (!isSessionId(sessionId)) throw RequestError.sessionNotFound(sessionId)
      const files = openConversation(config.stateDirectory, sessionId)
      const conversation = await files.load()
      if (conversation === null) throw RequestError.sessionNotFound(sessionId)
      for (const turn of await files.history()) {
        for (const update of replayTurn(turn)) await notify(client, sessionId, update)
      }
      const open = sessions.get(sessionId)
      if (open === undefined) sessions.set(sessionId, { id: sessionId, cwd, conversation, running: null })
      return { modes: describeModes(open?.conversation.mode ?? conversation.mode) }
    })
    .onRequest(methods.agent.session.setMode, async ({ params, client }) => {
      const session = find(params.sessionId)
      const mode = modeIds.find((id) => id === params.modeId)
      if (mode === undefined) throw RequestError.invalidParams({ modeId: modeIds })
      await keep(session, { ...session.conversation, mode })
      await notify(client, session.id, { sessionUpdate: "current_mode_update", currentModeId: mode })
      return {}
    })
    .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
      const running = prompt(find(params.sessionId), params.prompt, client)
      prompts.add(running)
      return running.finally(() => prompts.delete(running))
    })
    .onNotification(methods.agent.session.cancel, ({ params }) => {
      sessions.get(params.sessionId)?.running?.abort()
    })

  return {
    app,
    async close() {
      for (const session of sessions.values()) session.running?.abort()
      await endLeftovers()
      await Promise.allSettled(prompts)
    },
  }
}

function readScript(blocks: readonly ContentBlock[]): string {
  const texts = blocks.map((block) => {
    if (block.type === "text") return block.text
    // A resource link is baseline in ACP: a script can use the path that it names.
    if (block.type === "resource_link") return `# ${block.uri.replaceAll(/[\r\n]/g, " ")}`
    throw RequestError.invalidParams(
      { type: block.type },
      "a script is text: this content has no place in it",
    )
  })
  const script = texts.join("\n")
  if (script.includes("\0")) throw RequestError.invalidParams(undefined, "bash takes no NUL character")
  return script
}

type Update = Parameters<TurnPorts["update"]>[0]

function notify(client: AgentContext, sessionId: string, update: Update): Promise<void> {
  return client.notify(methods.client.session.update, { sessionId, update })
}

function createPorts(
  sessionId: string,
  client: AgentContext,
  baseEnv: Config["env"],
): Omit<TurnPorts, "endLeftovers"> {
  return {
    baseEnv,
    update: (update) => notify(client, sessionId, update),
    async askPermission(toolCall, options, signal): Promise<Permission> {
      try {
        const { outcome } = await client.request(
          methods.client.session.requestPermission,
          { sessionId, toolCall, options: [...options] },
          { cancellationSignal: signal, stopWaitingOnCancel: true },
        )
        if (outcome.outcome === "cancelled") return "cancelled"
        if (outcome.optionId === "allow_always") return "allow_always"
        return outcome.optionId === "allow_once" ? "allow" : "reject"
      } catch (error) {
        if (signal.aborted) return "cancelled"
        throw error
      }
    },
  }
}
