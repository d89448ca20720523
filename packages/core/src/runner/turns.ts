import { limits, type TurnOutcome } from "@berth/protocol"
import type { Clock, Ids, Logger } from "../ports/runtime.ts"
import { abortable } from "./abortable.ts"
import type { AgentConnection, PromptBlock } from "./agent-connection.ts"
import type { AgentHost } from "./agent-host.ts"
import { messageOf } from "./link-errors.ts"
import type { Outbox } from "./outbox.ts"

const errorLengthMax = 2_048
/** The protocol knows five short ones; an entry that says how a turn ended must not be too large to write. */
const stopReasonLengthMax = 256

/** A prompt: the command it comes from, and what the agent is told. */
export interface Work {
  readonly commandSeq: number
  readonly blocks: readonly PromptBlock[]
}

interface Ending {
  readonly outcome: TurnOutcome
  readonly error: string | null
  /** As the agent gave it; null when it gave none. */
  readonly stopReason: string | null
}

interface OpenTurn {
  readonly turnId: string
  /** Aborts when somebody wants the turn to end; `ending` says how. */
  readonly stopping: AbortController
  ending: Omit<Ending, "stopReason"> | null
  /** Prompts the agent has and has not answered; more than one when some were steered in. */
  readonly prompts: Set<Promise<Ending>>
  readonly done: Promise<void>
}

/** Turns, one at a time: a prompt goes to the agent at most once, and every turn has one end. */
export interface Turns {
  readonly openTurnId: string | null
  /** Resolves when the turn has ended and its entries are written. Never rejects. */
  run(work: Work): Promise<void>
  /** Puts a prompt into the open turn; false when that is not possible: it has to wait its turn. */
  steer(work: Work): Promise<boolean>
  /** Ends the open turn; resolves when it has ended. An agent that does not obey in time is killed. */
  stop(outcome: TurnOutcome, error: string | null): Promise<void>
}

export function createTurns(options: {
  readonly outbox: Outbox
  readonly host: AgentHost
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  /** Put before the first prompt of a conversation, or null. */
  readonly preamble: string | null
  /** Lets go of everything that holds the agent. */
  readonly releaseQuestions: () => void
}): Turns {
  const { outbox, host, clock, ids, logger } = options
  let open: OpenTurn | null = null

  const accept = async (commandSeq: number): Promise<void> => {
    outbox.write("_berth/command_state", { commandSeq, state: "accepted" })
    await outbox.flushed()
  }

  const withPreamble = (blocks: readonly PromptBlock[]): readonly PromptBlock[] => {
    const { preamble } = options
    const isFirst = host.isFresh
    host.markUsed()
    return isFirst && preamble !== null ? [{ type: "text", text: preamble }, ...blocks] : blocks
  }

  const send = (turn: OpenTurn, agent: AgentConnection, work: Work): Promise<Ending> => {
    const answer = ask(agent, withPreamble(work.blocks))
    turn.prompts.add(answer)
    outbox.write("_berth/command_state", { commandSeq: work.commandSeq, state: "delivered" })
    return answer
  }

  /** The answers of all prompts of the turn; the last one tells how it ended. */
  const settle = async (turn: OpenTurn, first: Promise<Ending>): Promise<Ending> => {
    let ending = await first
    for (const prompt of turn.prompts) ending = await prompt
    return ending
  }

  const drive = async (turn: OpenTurn, work: Work): Promise<Ending> => {
    const { signal } = turn.stopping
    const agent = await abortable(host.ready(), signal)
    return settle(turn, send(turn, agent, work))
  }

  const finish = (turn: OpenTurn, work: Work, ending: Ending): void => {
    const { outcome, error } = turn.ending ?? ending
    const { stopReason } = ending
    outbox.write("_berth/turn_ended", {
      turnId: turn.turnId,
      commandSeq: work.commandSeq,
      outcome,
      ...(stopReason === null ? {} : { stopReason: stopReason.slice(0, stopReasonLengthMax) }),
      ...(error === null ? {} : { error: error.slice(0, errorLengthMax) }),
    })
    outbox.write("_berth/command_state", { commandSeq: work.commandSeq, state: "done" })
  }

  const stop: Turns["stop"] = async (outcome, error) => {
    const turn = open
    if (turn === null) return
    if (turn.ending === null) {
      turn.ending = { outcome, error }
      options.releaseQuestions()
      turn.stopping.abort(new Error("the turn was stopped"))
      await obeyOrKill(turn)
    }
    await turn.done
  }

  const obeyOrKill = async (turn: OpenTurn): Promise<void> => {
    const agent = host.current
    if (agent === null || turn.prompts.size === 0) return
    const graceOver = new AbortController()
    const answered = Promise.all(turn.prompts).then(() => "answered" as const)
    const grace = clock.sleep(limits.cancelGraceMs, { signal: graceOver.signal }).then(() => "late" as const)
    void agent.cancel().catch((reason: unknown) => {
      logger.debug({ error: messageOf(reason) }, "the agent could not be asked to cancel")
    })
    const first = await Promise.race([answered, grace])
    graceOver.abort()
    if (first === "answered") return
    logger.warn({ turnId: turn.turnId }, "the agent did not cancel in time and is killed")
    await host.kill()
    // The next prompt should not have to wait for it; if it fails, that prompt will say so.
    void host.ready().catch(() => undefined)
  }

  return {
    get openTurnId() {
      return open?.turnId ?? null
    },
    async run(work) {
      const { promise: done, resolve } = Promise.withResolvers<void>()
      const turnId = `turn_${ids.next()}`
      const turn: OpenTurn = {
        turnId,
        stopping: new AbortController(),
        ending: null,
        prompts: new Set(),
        done,
      }
      open = turn
      const timer = new AbortController()
      void clock.sleep(limits.turnTimeoutMs, { signal: timer.signal }).then(() => {
        const hours = limits.turnTimeoutMs / 3_600_000
        if (!timer.signal.aborted) void stop("failed", `The turn took longer than ${hours} hours.`)
      })
      let ending: Ending
      try {
        outbox.write("_berth/command_state", { commandSeq: work.commandSeq, state: "accepted" })
        outbox.write("_berth/turn_started", { turnId, commandSeq: work.commandSeq })
        await abortable(outbox.flushed(), turn.stopping.signal)
        ending = await drive(turn, work)
      } catch (error) {
        ending = { outcome: "failed", error: messageOf(error), stopReason: null }
      }
      timer.abort()
      finish(turn, work, ending)
      open = null
      resolve()
    },
    async steer(work) {
      const turn = open
      const agent = host.current
      if (turn === null || agent === null || !agent.canSteer || turn.prompts.size === 0) return false
      if (turn.ending !== null) return false
      await accept(work.commandSeq)
      if (open !== turn || turn.stopping.signal.aborted || host.current !== agent) return false
      const { commandSeq } = work
      void send(turn, agent, work).then(() => {
        outbox.write("_berth/command_state", { commandSeq, state: "done" })
      })
      return true
    },
    stop,
  }
}

/** The agent's answer to a prompt as the end of a turn. Never rejects. */
async function ask(agent: AgentConnection, blocks: readonly PromptBlock[]): Promise<Ending> {
  try {
    const { stopReason } = await agent.prompt(blocks)
    return { outcome: stopReason === "cancelled" ? "cancelled" : "completed", error: null, stopReason }
  } catch (error) {
    const exit = await Promise.race([agent.exited, Promise.resolve(null)])
    if (exit === null) return { outcome: "failed", error: messageOf(error), stopReason: null }
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`
    const why = exit.reason === "exited" ? "" : ` (${exit.reason})`
    return { outcome: "failed", error: `The agent's process ended with ${how}${why}.`, stopReason: null }
  }
}
