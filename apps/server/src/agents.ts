import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { AppError, type AgentCatalog, type AgentProgram, type SessionSpec } from "@berth/core"
import type { Config } from "./config.ts"

export function createAgents(_options: { readonly config: Config; readonly directory: string }): {
  readonly catalog: AgentCatalog
  resolve(choice: SessionSpec["agent"]): Promise<AgentProgram>
} {
  const isBundle = import.meta.url.endsWith(".js")
  const shell = fileURLToPath(
    new URL(isBundle ? "./shell.js" : "../../../agents/shell/src/main.ts", import.meta.url),
  )
  return {
    catalog: {
      async list() {
        return [
          {
            name: "shell",
            title: "Shell",
            description: "Runs each prompt as a bash script.",
            isInstalled: true,
            isDefault: true,
            install: null,
          },
        ]
      },
    },
    async resolve(choice) {
      const base = {
        env: {},
        programs: [],
        memory: [".berth-shell/**"],
        upstreams: [],
        instructions: "prompt" as const,
      }
      if (typeof choice === "object" && choice !== null)
        return { ...base, name: "custom", argv: choice.argv, env: choice.env ?? {} }
      if (choice === "shell")
        return {
          ...base,
          name: "shell",
          argv: ["node", "/opt/berth/shell/shell.js"],
          programs: [{ source: dirname(shell), target: "/opt/berth/shell" }],
        }
      throw new AppError("agent_not_found", "no such agent")
    },
  }
}
