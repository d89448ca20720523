/** An agent program that can be had from the package registry. */
export interface AgentPackage {
  readonly package: string
  /** Exactly this one was tried with Berth. */
  readonly version: string
  /**
   * What to start, below node_modules: the first that is there. `{platform}` and `{arch}` are this host's.
   * Null: the package's only program.
   */
  readonly programs: readonly string[] | null
  /** What makes it speak ACP. */
  readonly args: readonly string[]
}

export const agentPackages: Readonly<Record<string, AgentPackage>> = {
  claude: { package: "@agentclientprotocol/claude-agent-acp", version: "0.100.0", programs: null, args: [] },
  codex: { package: "@agentclientprotocol/codex-acp", version: "2.6.0", programs: null, args: [] },
  gemini: { package: "@google/gemini-cli", version: "0.61.0", programs: null, args: ["--acp"] },
  opencode: {
    package: "opencode-ai",
    version: "1.18.33",
    // Its own program is put in place by an install script, which is not run. The first asks less of the CPU.
    programs: ["opencode-{platform}-{arch}-baseline/bin/opencode", "opencode-{platform}-{arch}/bin/opencode"],
    args: ["acp"],
  },
}
