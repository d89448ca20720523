import type { AgentConnection, AgentExit, AgentHandlers, AgentLauncher, Clock } from "@berth/core"
import type { Random } from "./random.ts"

/** What agents were really given and really said, kept outside of all processes: the truth to check by. */
export interface AgentRecord {
  /** Prompt text → how often an agent got it. */
  readonly delivered: Map<string, number>
  /** Prompt text → chunks that were said for it. */
  readonly said: Map<string, string[]>
}

/** An agent that says some chunks for each prompt, asks now and then, hangs until cancelled, or dies. */
export function createScriptedLauncher(options: {
  readonly clock: Clock
  readonly random: Random
  readonly record: AgentRecord
  readonly faults: { agentDeathShare: number }
  readonly onPrompt: () => void
}): AgentLauncher {
  const { clock, random, record, faults, onPrompt } = options

  const start: AgentLauncher["start"] = async ({ handlers }) => {
    await clock.sleep(random.below(40))
    const ended = Promise.withResolvers<AgentExit>()
    const exit = (code: number | null): void =>
      ended.resolve({ code, signal: code === null ? "SIGKILL" : null, reason: "exited", stderrTail: "" })
    const gone = ended.promise.then((): never => {
      throw new Error("the agent's process has ended")
    })
    // Nobody may be asking when it ends.
    gone.catch(() => undefined)
    let cancelled = new AbortController()

    const prompt = async (text: string): Promise<{ stopReason: string }> => {
      record.delivered.set(text, (record.delivered.get(text) ?? 0) + 1)
      onPrompt()
      const said: string[] = []
      record.said.set(text, said)
      const chunks = random.below(12)
      for (let index = 0; index < chunks && !cancelled.signal.aborted; index += 1) {
        if (random.chance(faults.agentDeathShare)) exit(1)
        say(handlers, said, `${text}/${index}`)
        if (random.chance(0.1)) await ask(handlers, said, `${text}/asked-${index}`)
        await Promise.race([clock.sleep(random.below(30), { signal: cancelled.signal }), gone])
      }
      if (random.chance(0.05)) await Promise.race([clock.sleep(60_000, { signal: cancelled.signal }), gone])
      return { stopReason: cancelled.signal.aborted ? "cancelled" : "end_turn" }
    }

    const ask = async (to: AgentHandlers, said: string[], name: string): Promise<void> => {
      const request = {
        toolCall: { toolCallId: name, title: name },
        options: [
          { optionId: "yes", name: "Yes", kind: "allow_once" },
          { optionId: "no", name: "No", kind: "reject_once" },
        ],
      }
      const chosen = await Promise.race([to.requestPermission(request, cancelled.signal), gone])
      say(to, said, `${name}=${chosen ?? "cancelled"}`)
    }

    const connection: AgentConnection = {
      canLoad: true,
      canSteer: false,
      exited: ended.promise,
      async open(known) {
        await Promise.race([clock.sleep(random.below(20)), gone])
        return { agentSessionId: known ?? "conversation", configOptions: [] }
      },
      prompt(blocks) {
        cancelled = new AbortController()
        return Promise.race([prompt(blocks.map((block) => String(block["text"])).join("\n")), gone])
      },
      async cancel() {
        cancelled.abort()
      },
      async setMode() {},
      async setConfigOption() {},
      async end() {
        exit(0)
      },
      async kill() {
        exit(null)
      },
    }
    return connection
  }
  return { start }
}

function say(handlers: AgentHandlers, said: string[], text: string): void {
  said.push(text)
  handlers.update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } })
}
