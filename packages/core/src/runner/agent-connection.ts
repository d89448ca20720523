import type { ProcessExit } from "../ports/sandbox-provider.ts"
import type { RunnerSession } from "./runner-link.ts"

/** What an agent asks before it uses a tool, as ACP's `session/request_permission` has it. */
export interface PermissionRequest {
  readonly toolCall: { readonly toolCallId: string; readonly [field: string]: unknown }
  readonly options: readonly { readonly optionId: string; readonly name: string; readonly kind: string }[]
}

/** A form the agent wants filled in: ACP's `elicitation/create` in form mode. */
export interface FormRequest {
  readonly message: string
  /** JSON Schema of an object with primitive properties. */
  readonly schema: Readonly<Record<string, unknown>>
}

/** What a runner does for an agent. */
export interface AgentHandlers {
  /** The `update` of a `session/update`, unchecked; in order, and before any later answer resolves. */
  update(update: unknown): void
  /** The id of the option chosen, or null: cancelled. `signal` aborts when the agent takes it back. */
  requestPermission(request: PermissionRequest, signal: AbortSignal): Promise<string | null>
  /** The content of the form, or null: cancelled. */
  fillForm(request: FormRequest, signal: AbortSignal): Promise<Readonly<Record<string, unknown>> | null>
  /** Resolves when more of the agent's output may be read. */
  room(): Promise<void>
}

export interface AgentExit extends ProcessExit {
  /** The end of what it wrote to stderr, at most 2 KiB. */
  readonly stderrTail: string
}

export interface ConfigOption {
  readonly id: string
  readonly category: string | null
}

export interface Conversation {
  readonly agentSessionId: string
  readonly configOptions: readonly ConfigOption[]
}

export interface PromptBlock {
  readonly type: string
  readonly [field: string]: unknown
}

/**
 * One running agent process that has been initialized. Requests reject with an Error that holds the
 * agent's own message when it refuses, and when the process ends.
 */
export interface AgentConnection {
  /** Whether `session/load` brings back an earlier conversation. */
  readonly canLoad: boolean
  /** Whether a prompt sent during a turn goes into that turn. */
  readonly canSteer: boolean
  /** Never rejects. */
  readonly exited: Promise<AgentExit>
  /** Null: a new conversation; else the earlier one, whose history is replayed as updates meanwhile. */
  open(agentSessionId: string | null, meta: Readonly<Record<string, unknown>> | null): Promise<Conversation>
  prompt(blocks: readonly PromptBlock[]): Promise<{ readonly stopReason: string }>
  /** Asks it to end the turn; the prompt's own answer tells when it has. */
  cancel(): Promise<void>
  setMode(modeId: string): Promise<void>
  setConfigOption(configId: string, value: string | boolean): Promise<void>
  /** Asks the process to end. */
  end(): Promise<void>
  /** Ends the whole process tree; resolves when nothing of it is left. Idempotent. */
  kill(): Promise<void>
}

export interface AgentLauncher {
  /** Starts the process and initializes it. Rejects when it ends or cannot start; leaves nothing behind. */
  start(options: {
    readonly session: RunnerSession
    readonly handlers: AgentHandlers
    readonly signal: AbortSignal
  }): Promise<AgentConnection>
}
