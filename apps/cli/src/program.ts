import { text as readAll } from "node:stream/consumers"
import type { Readable } from "node:stream"
import { Command, InvalidArgumentError, Option } from "commander"
import { createBerthApi } from "./api/berth-api.ts"
import { attachSession, type AttachOptions } from "./commands/attach-session.ts"
import type { CommandContext } from "./commands/context.ts"
import { doctor } from "./commands/doctor.ts"
import { listSessions, type SessionsOptions } from "./commands/list-sessions.ts"
import { addAgents, listAgents, removeAgents } from "./commands/manage-agents.ts"
import { createKey, deleteKey, listKeys } from "./commands/manage-keys.ts"
import { runPrompt, type RunOptions } from "./commands/run-prompt.ts"
import { serve, type ServeOptions } from "./commands/serve.ts"
import { showLogs, type LogsOptions } from "./commands/show-logs.ts"
import type { Config } from "./config.ts"
import { exitCodes } from "./exit-codes.ts"
import type { Terminal } from "./terminal/terminal.ts"

export interface ProgramOptions {
  readonly config: Config
  readonly terminal: Terminal
  readonly stdin: Readable
  /** Told how the command ended. */
  readonly exit: (code: number) => void
}

interface ServerOptions {
  readonly url: string
  readonly key?: string
  readonly project?: string
}

/** The whole command line. */
export function createProgram(options: ProgramOptions): Command {
  const program = new Command("berth")
    .description("Durable sessions for AI agents and untrusted code.")
    .option("--url <url>", "the server (BERTH_URL)", options.config.url)
    .option("--key <key>", "an API key (BERTH_API_KEY)")
    .option("--project <project>", "a project (BERTH_PROJECT)")
    .showHelpAfterError()
    .enablePositionalOptions()
  const context = (): CommandContext => {
    const { url, key, project } = program.opts<ServerOptions>()
    const { config, terminal } = options
    const api = createBerthApi({
      url,
      apiKey: key ?? config.apiKey,
      project: project ?? config.project,
    })
    return { api, config, terminal }
  }
  addConversations(program, options, context)
  addListings(program, context)
  addKeys(program, context)
  addAgentCommands(program, options)
  program
    .command("serve")
    .description("start the server")
    .option("--host <address>", "listen here (BERTH_HOST)")
    .option("--port <port>", "and here (BERTH_PORT)")
    .option("--data-dir <folder>", "keep everything here (BERTH_DATA_DIR)")
    .option("--config <file>", "settings as JSON (BERTH_CONFIG)")
    .option("--unsafe-no-sandbox", "run agents without isolation")
    .action((chosen: ServeOptions) => serve(chosen))
  program
    .command("doctor")
    .description("check this host and the server")
    .action(async () => {
      options.exit((await doctor(context())) ? 0 : 1)
    })
  return program
}

function addConversations(program: Command, options: ProgramOptions, context: () => CommandContext): void {
  program
    .command("run")
    .description("prompt an agent in a new session, and watch until it is done")
    .argument("<prompt>", "what to do; - reads it from standard input")
    .option("--session <id>", "go on in this session")
    .option("--agent <name>", "shell, claude, codex, gemini, opencode (default: the server's)")
    .option("--model <model>", "the agent's model")
    .option("--mode <mode>", "the agent's mode")
    .option("--instructions <text>", "added to the agent's own instructions")
    .option("--title <title>", "the session's title")
    .option("--network <policy>", "none, all, or hosts with commas between")
    .option("--auto", "grant every permission the agent asks for")
    .option("--json", "show the log's entries, one JSON object a line")
    .addHelpText("after", `\nExit codes: ${describeExitCodes()}.`)
    .action(async (prompt: string, chosen: RunOptions) => {
      const words = prompt === "-" ? await readAll(options.stdin) : prompt
      options.exit(exitCodes[await runPrompt(context(), words, chosen)])
    })
  program
    .command("attach")
    .description("follow a session live, and prompt it")
    .argument("<session>")
    .option("--history <entries>", "entries of the past shown first", wholeNumber, 200)
    .option("--auto", "grant every permission the agent asks for")
    .action(async (session: string, chosen: AttachOptions) => {
      const ending = await attachSession(context(), session, chosen)
      options.exit(ending === "left" ? 0 : exitCodes[ending])
    })
}

function addListings(program: Command, context: () => CommandContext): void {
  program
    .command("sessions")
    .description("list sessions, newest first")
    .option("--limit <count>", "at most this many", wholeNumber, 50)
    .option("--status <status>", "only those")
    .option("--agent <name>", "only those")
    .option("--query <text>", "part of an id or a title")
    .option("--json", "one JSON object a line")
    .action((chosen: SessionsOptions) => listSessions(context(), chosen))
  program
    .command("logs")
    .description("show a session's log")
    .argument("<session>")
    .option("--json", "entries as they are, one JSON object a line")
    .option("-f, --follow", "go on as it grows")
    .addOption(new Option("--after <seq>", "entries after this one").argParser(wholeNumber).default(0))
    .action((session: string, chosen: LogsOptions) => showLogs(context(), session, chosen))
}

function addKeys(program: Command, context: () => CommandContext): void {
  const keys = program.command("keys").description("manage API keys")
  keys.command("list", { isDefault: true }).action(() => listKeys(context()))
  keys
    .command("create")
    .argument("<name>")
    .option("--only <project>", "good for this project alone")
    .action((name: string, { only }: { readonly only?: string }) =>
      createKey(context(), name, only === undefined ? {} : { project: only }),
    )
  keys
    .command("delete")
    .argument("<id>")
    .action((id: string) => deleteKey(context(), id))
}

function addAgentCommands(program: Command, { config, terminal }: ProgramOptions): void {
  const agents = program
    .command("agents")
    .description("install agent programs for the server on this machine")
    .option("--data-dir <folder>", "the server's data (BERTH_DATA_DIR)", config.dataDirectory)
  const target = () => ({ terminal, dataDirectory: agents.opts<{ dataDir: string }>().dataDir })
  agents.command("list", { isDefault: true }).action(() => listAgents(target()))
  agents
    .command("add")
    .argument("<names...>")
    .action((names: readonly string[]) => addAgents(target(), names))
  agents
    .command("remove")
    .argument("<names...>")
    .action((names: readonly string[]) => removeAgents(target(), names))
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Give a whole number.")
  return Number(text)
}

function describeExitCodes(): string {
  return Object.entries(exitCodes)
    .map(([ending, code]) => `${code} ${ending.replace("_", " ")}`)
    .join(", ")
}
