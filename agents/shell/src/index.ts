export type { Config } from "./config.ts"
export { createShellAgent, type ShellAgent } from "./shell-agent.ts"
