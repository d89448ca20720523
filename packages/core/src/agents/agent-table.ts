import { gatewayPort, type AgentProgram } from "./agent-program.ts"

/** What `berth agents add` put on this host, as its `berth-agent.json` says. */
export interface InstalledAgent {
  readonly name: string
  readonly version: string
  /** Words with a `/` are paths relative to `directory`; a first word `node` is the sandbox's Node. */
  readonly argv: readonly string[]
  /** On the host. */
  readonly directory: string
}

/** An agent from another maker that Berth knows how to lead to its gateway. */
export interface KnownAgent {
  readonly title: string
  readonly description: string
  /** The gateway upstream it needs a key for. */
  readonly upstream: string
  readonly program: Omit<AgentProgram, "name" | "argv" | "programs">
}

const gateway = `http://127.0.0.1:${gatewayPort}`
/** Agents want a key before they start; the gateway replaces it with the operator's, outside the sandbox. */
const placeholderKey = "berth-adds-the-key-outside"

/** The gateway outlives our server, so a failed call is the upstream's: seconds of trying again, not minutes. */
const claudeRetries = "3"

/**
 * Codex isolates each command by itself, which needs namespaces that a sandbox of ours does not give out: there every
 * command fails before it starts. Asking to run one outside of that is what makes Codex ask the user.
 */
const codexInstructions =
  "You are inside a disposable, isolated sandbox already. Commands cannot be sandboxed once more: each fails " +
  "with a message of bwrap. Run every command with escalated permissions from the start, with a justification."

const codexConfig = {
  developer_instructions: codexInstructions,
  model_provider: "berth",
  model_providers: {
    berth: {
      name: "Berth",
      base_url: `${gateway}/openai/v1`,
      wire_api: "responses",
      env_key: "OPENAI_API_KEY",
      request_max_retries: 2,
      stream_max_retries: 2,
    },
  },
  check_for_update_on_startup: false,
  analytics: { enabled: false },
}

const opencodeConfig = {
  autoupdate: false,
  share: "disabled",
  permission: { edit: "ask", bash: "ask", webfetch: "ask" },
  enabled_providers: ["anthropic", "openai"],
  provider: {
    anthropic: { options: { baseURL: `${gateway}/anthropic/v1`, apiKey: placeholderKey } },
    openai: { options: { baseURL: `${gateway}/openai/v1`, apiKey: placeholderKey } },
  },
}

/** By name. `memory` was measured: with it alone, a new sandbox goes on with the conversation (tests/agents). */
export const knownAgents: Readonly<Record<string, KnownAgent>> = {
  claude: {
    title: "Claude",
    description: "Anthropic's Claude Agent, through its ACP adapter.",
    upstream: "anthropic",
    program: {
      env: {
        ANTHROPIC_BASE_URL: `${gateway}/anthropic`,
        ANTHROPIC_API_KEY: placeholderKey,
        CLAUDE_AGENT_ACP_PROTOCOL: "v1",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false",
        CLAUDE_CODE_MAX_RETRIES: claudeRetries,
        // It refuses bypassPermissions to root unless it is told that it is in a sandbox. It is.
        IS_SANDBOX: "1",
      },
      memory: [".claude/projects/**"],
      upstreams: ["anthropic"],
      meta: {
        // Without it, a workspace's own .mcp.json and hooks run with nobody asked.
        untrusted: { claudeCode: { options: { settingSources: [] } } },
        trusted: { claudeCode: { options: { settingSources: ["user", "project", "local"] } } },
      },
      instructions: "meta",
    },
  },
  codex: {
    title: "Codex",
    description: "OpenAI's Codex, through its ACP adapter.",
    upstream: "openai",
    program: {
      env: {
        OPENAI_API_KEY: placeholderKey,
        NO_BROWSER: "1",
        INITIAL_AGENT_MODE: "read-only",
        CODEX_CONFIG: JSON.stringify(codexConfig),
      },
      memory: [".codex/sessions/**"],
      upstreams: ["openai"],
      // No `meta`: its adapter trusts every workspace, so a .codex/config.toml there starts its servers, unasked.
      // Inside the sandbox, and without a key; but `trust_workspace: false` cannot be honoured.
      instructions: "prompt",
    },
  },
  gemini: {
    title: "Gemini",
    description: "Google's Gemini CLI.",
    upstream: "google",
    program: {
      env: { GEMINI_API_KEY: placeholderKey, GOOGLE_GEMINI_BASE_URL: `${gateway}/google` },
      memory: [".gemini/tmp/**", ".gemini/projects.json"],
      upstreams: ["google"],
      instructions: "prompt",
    },
  },
  opencode: {
    title: "OpenCode",
    description: "The open-source coding agent OpenCode.",
    upstream: "anthropic",
    program: {
      env: {
        OPENCODE_CONFIG_CONTENT: JSON.stringify(opencodeConfig),
        OPENCODE_DISABLE_AUTOUPDATE: "1",
        OPENCODE_DISABLE_MODELS_FETCH: "1",
        // A workspace's own configuration may name commands that run with nobody asked.
        OPENCODE_DISABLE_PROJECT_CONFIG: "1",
      },
      // A database and its journal; taken while it is written, it may be older than the newest turn.
      memory: [".local/share/opencode/opencode.db*"],
      upstreams: ["anthropic", "openai"],
      instructions: "prompt",
    },
  },
}
