import { AppError } from "@berth/core"
import { networkPolicy, type NetworkPolicy } from "@berth/protocol"
import { sessionShape, type SessionShape } from "../api/session-shape.ts"
import { converse } from "../session/converse.ts"
import { createSession } from "../session/create-session.ts"
import { createJsonRenderer } from "../session/json-renderer.ts"
import { createRenderer } from "../session/renderer.ts"
import { createSubmitter } from "../session/submit.ts"
import type { Ending } from "../session/turn-tracker.ts"
import type { CommandContext } from "./context.ts"

export interface RunOptions {
  /** An existing session; else a new one. */
  readonly session?: string
  readonly agent?: string
  readonly model?: string
  readonly mode?: string
  readonly instructions?: string
  readonly title?: string
  /** `none`, `all`, or hosts with commas between. */
  readonly network?: string
  readonly auto?: boolean
  readonly json?: boolean
}

/** `berth run`: one prompt, shown until its turn has ended. */
export async function runPrompt(
  { api, terminal }: CommandContext,
  prompt: string,
  options: RunOptions,
): Promise<Ending> {
  if (prompt.trim() === "") throw new AppError("bad_params", 'Give a prompt: berth run "…", or - to read it.')
  const over = new AbortController()
  const { signal } = over
  const session =
    options.session === undefined
      ? await createSession(api, newSession(options), signal)
      : await api.request(sessionShape, "GET", `/api/sessions/${encodeURIComponent(options.session)}`, {
          signal,
        })
  const submitter = createSubmitter(api, { sessionId: session.id, signal })
  const renderer = options.json === true ? createJsonRenderer(terminal) : createRenderer(terminal, submitter)
  renderer.say(`session ${session.id} (${agentName(session)}) ${api.url}/#${session.id}`)
  const commandSeq = await submitter.prompt(prompt)
  return converse({
    api,
    terminal,
    renderer,
    submitter,
    over,
    sessionId: session.id,
    after: session.head_seq,
    commandSeq,
    openQuestions: [],
    isTurnOpen: true,
    isAuto: options.auto ?? false,
  })
}

function newSession(options: RunOptions): Parameters<typeof createSession>[1] {
  const { agent, model, mode, instructions, title, network, auto } = options
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
    ...(mode === undefined ? {} : { mode }),
    ...(instructions === undefined ? {} : { instructions }),
    ...(title === undefined ? {} : { title }),
    ...(network === undefined ? {} : { network: parseNetwork(network) }),
    ...(auto === true ? { permissions: "auto" as const } : {}),
  }
}

export function parseNetwork(text: string): NetworkPolicy {
  const named =
    text === "none" || text === "all" ? text : { allow: text.split(",").map((host) => host.trim()) }
  const parsed = networkPolicy.safeParse(named)
  if (parsed.success) return parsed.data
  throw new AppError(
    "bad_params",
    `--network takes none, all, or host names with commas between; not ${text}`,
  )
}

export function agentName({ agent }: Pick<SessionShape, "agent">): string {
  if (agent === null) return "no agent"
  return typeof agent === "string" ? agent : (agent.argv[0] ?? "custom")
}
