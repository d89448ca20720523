import { fileURLToPath } from "node:url"
import { insidePaths } from "@berth/bubblewrap"
import {
  AppError,
  describeAgents,
  resolveAgent,
  type AgentCatalog,
  type AgentPlaces,
  type AgentProgram,
  type SessionSpec,
} from "@berth/core"
import type { Config } from "./config.ts"
import { readInstalledAgents } from "./installed-agents.ts"

export interface Agents {
  readonly catalog: AgentCatalog
  /** `runtime_missing` when it was removed since the session was made. */
  resolve(choice: SessionSpec["agent"]): AgentProgram
}

/** The agents of this host: core's table, joined with what is installed below `directory`. */
export function createAgents(options: { readonly config: Config; readonly directory: string }): Agents {
  const { config, directory } = options
  const places = (): AgentPlaces => ({
    nodePath: `${insidePaths.node}/bin/node`,
    shellPath: shellPath(),
    installed: readInstalledAgents(directory),
  })
  return {
    catalog: {
      async list() {
        const { installed } = places()
        const defaultAgent = config.defaultAgent ?? null
        return describeAgents({ installed, upstreams: Object.keys(config.upstreams), defaultAgent })
      },
    },
    resolve(choice) {
      if (choice === null) throw new AppError("no_agent", "This session has no agent to start.")
      return resolveAgent(choice, places())
    },
  }
}

/** Beside this file as a bundle; among the sources in development. */
function shellPath(): string {
  const isBundle = import.meta.url.endsWith(".js")
  return fileURLToPath(new URL(isBundle ? "./shell.js" : "../../../dist/shell.js", import.meta.url))
}
