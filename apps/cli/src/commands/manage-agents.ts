import { childEnvironment } from "../config.ts"
import { agentPackages } from "../agents/agent-packages.ts"
import { installAgent, removeAgent } from "../agents/install-agent.ts"
import { listInstalledAgents } from "../agents/installed-agent.ts"
import { runNpm } from "../agents/npm.ts"
import { formatTable } from "../terminal/table.ts"
import type { CommandContext } from "./context.ts"

type AgentContext = Pick<CommandContext, "terminal"> & { readonly dataDirectory: string }

/** `berth agents list`: those that come with Berth, those that can be installed, and what is there. */
export function listAgents({ terminal, dataDirectory }: AgentContext): void {
  const installed = new Map(listInstalledAgents(dataDirectory).map((agent) => [agent.name, agent]))
  const rows = Object.entries(agentPackages).map(([name, { package: source, version }]) => {
    const present = installed.get(name)
    const state =
      present === undefined
        ? `berth agents add ${name}`
        : present.version === version
          ? "installed"
          : `installed (${present.version}); add again for ${version}`
    return [name, version, state, source]
  })
  const shell = ["shell", "", "comes with Berth", ""]
  terminal.write(formatTable([["AGENT", "VERSION", "STATE", "PACKAGE"], shell, ...rows]))
}

export async function addAgents(
  { terminal, dataDirectory }: AgentContext,
  names: readonly string[],
): Promise<void> {
  const npm = (words: readonly string[]) => runNpm(words, childEnvironment({}))
  // Agents run under the uids of their sessions, whatever the operator's own files are open to.
  process.umask(0o022)
  for (const name of names) {
    const { version } = await installAgent({ name, dataDirectory, npm, now: () => new Date() })
    terminal.note(`${name} ${version} is installed in ${dataDirectory}\n`, "good")
  }
}

export function removeAgents({ terminal, dataDirectory }: AgentContext, names: readonly string[]): void {
  for (const name of names) {
    const was = removeAgent(dataDirectory, name)
    terminal.note(was ? `${name} is removed\n` : `${name} was not installed\n`)
  }
}
