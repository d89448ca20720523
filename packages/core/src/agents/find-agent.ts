import type { AgentChoice } from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"
import type { AgentCatalog } from "./agent-catalog.ts"

/**
 * The agent a session will have. Throws `agent_not_found` naming those there are, `runtime_missing`
 * with how to install it, `forbidden` for a program of the caller's own where that is not allowed.
 */
export async function findAgent(
  options: { readonly agents: AgentCatalog; readonly allowCustomAgents: boolean },
  choice: AgentChoice | undefined,
): Promise<AgentChoice> {
  if (typeof choice === "object") {
    if (options.allowCustomAgents) return choice
    throw new AppError("forbidden", "This server runs the agents it lists only. See GET /api/agents.")
  }
  const agents = await options.agents.list()
  const agent = agents.find((known) => (choice === undefined ? known.isDefault : known.name === choice))
  if (agent === undefined) {
    const names = agents.map((known) => known.name).join(", ")
    throw new AppError("agent_not_found", `There is no agent ${choice ?? "by default"}. There are: ${names}.`)
  }
  if (!agent.isInstalled) {
    const how = agent.install ?? "Ask the operator to install it."
    throw new AppError("runtime_missing", `The agent ${agent.name} is not installed. ${how}`, {
      details: { agent: agent.name, install: agent.install },
    })
  }
  return agent.name
}
