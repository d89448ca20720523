import type { AgentChoice } from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"
import type { AgentSummary } from "./agent-catalog.ts"
import type { AgentProgram } from "./agent-program.ts"
import { knownAgents, type InstalledAgent } from "./agent-table.ts"

export interface AgentPlaces {
  /** Node inside the sandbox. */
  readonly nodePath: string
  /** The shell agent's bundle on the host: one file that needs no other. */
  readonly shellPath: string
  readonly installed: readonly InstalledAgent[]
}

const programsPath = "/opt/berth/agents"

/**
 * How to start an agent. Custom programs run as given and reach no upstream. Throws `agent_not_found` for a name
 * nobody knows and `runtime_missing` for one that is not installed, with how to install it.
 */
export function resolveAgent(choice: AgentChoice, places: AgentPlaces): AgentProgram {
  if (typeof choice === "object") {
    const { argv, env = {} } = choice
    return { name: "custom", argv, env, programs: [], memory: [], upstreams: [], instructions: "prompt" }
  }
  if (choice === "shell") return shellProgram(places)
  const known = Object.hasOwn(knownAgents, choice) ? knownAgents[choice] : undefined
  const installed = places.installed.find((agent) => agent.name === choice)
  if (known === undefined || installed === undefined) throw missingAgent(choice, known !== undefined)
  const folder = `${programsPath}/${choice}`
  return {
    ...known.program,
    name: choice,
    argv: installed.argv.map((word, index) => {
      if (index === 0 && word === "node") return places.nodePath
      return word.includes("/") ? `${folder}/${word}` : word
    }),
    programs: [{ source: installed.directory, target: folder }],
  }
}

/** Every agent there is, installed or not. `upstreams`: those the operator has a key for. */
export function describeAgents(options: {
  readonly installed: readonly InstalledAgent[]
  readonly upstreams: readonly string[]
  /** The operator's choice; null: the first that is ready of claude and codex, else the shell. */
  readonly defaultAgent: string | null
}): readonly AgentSummary[] {
  const { installed, upstreams, defaultAgent } = options
  const isInstalled = (name: string): boolean => installed.some((agent) => agent.name === name)
  const isReady = (name: string): boolean =>
    isInstalled(name) && upstreams.includes(knownAgents[name]?.upstream ?? "")
  const wanted = defaultAgent ?? ["claude", "codex"].find(isReady) ?? "shell"
  const shell = {
    name: "shell",
    title: "Shell",
    description: "Runs each prompt as a bash script. Needs no account.",
    isInstalled: true,
    isDefault: wanted === "shell",
    install: null,
  }
  const others = Object.entries(knownAgents).map(([name, { title, description }]) => ({
    name,
    title,
    description,
    isInstalled: isInstalled(name),
    isDefault: wanted === name,
    install: isInstalled(name) ? null : `berth agents add ${name}`,
  }))
  const agents = [shell, ...others]
  if (agents.some((agent) => agent.isDefault)) return agents
  throw new AppError("agent_not_found", `The default agent ${wanted} is none that Berth knows.`)
}

function shellProgram({ nodePath, shellPath }: AgentPlaces): AgentProgram {
  const cut = shellPath.lastIndexOf("/")
  const folder = `${programsPath}/shell`
  return {
    name: "shell",
    argv: [nodePath, `${folder}/${shellPath.slice(cut + 1)}`],
    env: {},
    programs: [{ source: shellPath.slice(0, cut), target: folder }],
    memory: [".berth-shell/**"],
    upstreams: [],
    // It has no use for instructions: before a prompt they would be run as a script.
    instructions: "meta",
  }
}

function missingAgent(name: string, isKnown: boolean): AppError {
  if (!isKnown) return new AppError("agent_not_found", `There is no agent ${name}. See GET /api/agents.`)
  return new AppError("runtime_missing", `The agent ${name} is not installed. Run: berth agents add ${name}`)
}
