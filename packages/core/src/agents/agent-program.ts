/**
 * An ACP agent as data: how to start it inside a sandbox. Paths are the sandbox's, except the
 * sources of `programs`.
 */
export interface AgentProgram {
  readonly name: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Host folders shown read-only inside. */
  readonly programs: readonly { readonly source: string; readonly target: string }[]
  /**
   * Globs below the home folder (`*`, `**`): the agent's conversation, kept in snapshots. Never
   * credentials or caches.
   */
  readonly memory: readonly string[]
  /** Gateway upstreams it may call. */
  readonly upstreams: readonly string[]
  /** `_meta` for `session/new` and `session/load`; `trusted` when the session trusts its workspace. */
  readonly meta?: {
    readonly untrusted: Readonly<Record<string, unknown>>
    readonly trusted: Readonly<Record<string, unknown>>
  }
  /** How a session's `instructions` reach it: appended in `_meta.systemPrompt`, or put before the first prompt. */
  readonly instructions: "meta" | "prompt"
}

/** Inside every sandbox: where the relay to the gateway listens. */
export const gatewayPort = 3128
/** Inside every sandbox: the read-only folder of sockets. */
export const socketsPath = "/run/berth"
export const gatewaySocketName = "gateway.sock"
/** The supervisor's MCP server; an agent reaches it with `socat STDIO UNIX-CONNECT:…`. */
export const toolsSocketName = "tools.sock"
