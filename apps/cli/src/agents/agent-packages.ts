/** An agent program that can be had from the package registry. */
export interface AgentPackage {
  readonly package: string
  /** Exactly this one was tried with Berth. */
  readonly version: string
  /** Of the package's programs; null when it has one. */
  readonly program: string | null
  /** What makes it speak ACP. */
  readonly args: readonly string[]
}

export const agentPackages: Readonly<Record<string, AgentPackage>> = {
  claude: { package: "@agentclientprotocol/claude-agent-acp", version: "0.100.0", program: null, args: [] },
  codex: { package: "@agentclientprotocol/codex-acp", version: "2.6.0", program: null, args: [] },
  gemini: { package: "@google/gemini-cli", version: "0.61.0", program: "gemini", args: ["--acp"] },
  opencode: { package: "opencode-ai", version: "1.18.33", program: "opencode", args: ["acp"] },
}
