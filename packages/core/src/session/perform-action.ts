import type { Command, LogId } from "@berth/protocol"
import { assertNever } from "../errors/assert-never.ts"
import type { NewEntry } from "../ports/event-log.ts"
import type { SessionRecord } from "../ports/session-store.ts"
import { ownHoldMs, type Action } from "./decide.ts"
import { hasSandbox, type Head } from "./head.ts"
import { lostEntries } from "./lost-entries.ts"
import type { ReconcileOptions } from "./reconcile-options.ts"
import { salvageUnsent } from "./salvage.ts"
import { serverEntry } from "./server-entry.ts"

/** Whether the sandbox was not given back, or left something half done. */
function isLost(head: Head, generation: number): boolean {
  const isCurrent = head.sandbox?.generation === generation && hasSandbox(head)
  return isCurrent || head.turn !== null || head.commands.some((command) => command.state !== "queued")
}

/** Our own hold on a log while we say what became of a sandbox. */
const reconcilerHolder = "reconcile"

export type PerformAction = (record: SessionRecord, action: Action, head: Head) => Promise<void>

/** The effects behind `decide`, one action at a time. Each may be repeated without harm. */
export function createPerform(options: ReconcileOptions): PerformAction {
  const { eventLog, leaseStore, sessionStore, runnerHost, logger, forget } = options

  const submitOnce = (log: LogId, name: string, entries: readonly NewEntry[]): Promise<unknown> =>
    eventLog.submit(log, { key: `server/${name}`, entries, once: name })

  /** Fences every runner, then writes under an epoch of our own. */
  const appendFenced = async (log: LogId, write: (epoch: number) => Promise<void>): Promise<void> => {
    const { epoch } = await leaseStore.claim(log, reconcilerHolder, ownHoldMs, { force: true })
    try {
      await write(epoch)
    } finally {
      await leaseStore.release(log, epoch)
    }
  }

  const provision = async (record: SessionRecord, generation: number): Promise<void> => {
    const { log, id: sessionId } = record
    const { epoch } = await leaseStore.claim(log, `runner/${generation}`, ownHoldMs)
    const params = { sessionId, state: "created" as const, generation }
    await eventLog.append(log, epoch, [serverEntry({ method: "_berth/sandbox", params })])
    try {
      await runnerHost.start({ record, generation, epoch })
    } catch (error) {
      // The sandbox is called lost in the next round, since no runner of it lives.
      logger.error({ log, generation, error }, "a runner could not be started")
      const message = error instanceof Error ? error.message : "unknown error"
      const failure = { sessionId, code: "sandbox_start_failed", message }
      await eventLog.append(log, epoch, [serverEntry({ method: "_berth/error", params: failure })])
      await leaseStore.release(log, epoch)
    }
  }

  const markLost = async (record: SessionRecord, generation: number, reason: string): Promise<void> => {
    const { log } = record
    // Fenced before it is stopped: a runner that lives after all has no say in how it ended.
    await appendFenced(log, async (epoch) => {
      const { unsent } = await runnerHost.stop(log, generation)
      await salvageUnsent(options, record, { epoch, generation, unsent })
      const { head } = await eventLog.state(log)
      // It may have given itself back while we were on our way: then nothing was lost.
      if (isLost(head, generation)) await eventLog.append(log, epoch, lostEntries(head, generation, reason))
    })
    await runnerHost.remove(log, generation)
  }

  const finishCommands = async (
    record: SessionRecord,
    seqs: readonly number[],
    reason: string,
  ): Promise<void> => {
    const { log, id: sessionId } = record
    const finish = (commandSeq: number): NewEntry => {
      const params = { sessionId, commandSeq, state: "declined" as const, reason }
      return serverEntry({ method: "_berth/command_state", params })
    }
    await submitOnce(log, `finish/${seqs.join(",")}`, seqs.map(finish))
  }

  return async (record, action, head) => {
    const { log, id: sessionId } = record
    switch (action.type) {
      case "provision":
        return provision(record, action.generation)
      case "mark_lost":
        return markLost(record, action.generation, action.reason)
      case "remove_runner":
        return runnerHost.remove(log, action.generation)
      case "expire_question": {
        const { questionId } = action
        const entry = serverEntry({ method: "_berth/question_expired", params: { sessionId, questionId } })
        return void (await submitOnce(log, `expire/${questionId}`, [entry]))
      }
      case "settle_question": {
        const { questionId, reason } = action
        const params = { sessionId, questionId, answer: null, by: "server", reason }
        const entry = serverEntry({ method: "_berth/question_resolved", params })
        return void (await submitOnce(log, `answer/${questionId}`, [entry]))
      }
      case "request_release":
        return requestRelease(record, action.reason)
      case "finish_commands":
        return finishCommands(record, action.seqs, action.reason)
      case "fail": {
        const seqs = head.commands.map((command) => command.seq)
        const params = { sessionId, status: "failed" as const, detail: action.reason }
        await finishCommands(record, seqs, action.reason)
        await submitOnce(log, `fail/${seqs.join(",")}`, [
          serverEntry({ method: "_berth/session_state", params }),
        ])
        return
      }
      case "close": {
        const params = { sessionId, status: "closed" as const }
        await submitOnce(log, "closed", [serverEntry({ method: "_berth/session_state", params })])
        return eventLog.close(log)
      }
      case "bury":
        await eventLog.close(log, { erase: true })
        await forget(record)
        return sessionStore.tombstones.bury(log)
      default:
        return assertNever(action)
    }
  }

  /** `ifHead` is what keeps "idle" from racing a command: if anything came, nothing is released. */
  async function requestRelease(record: SessionRecord, reason: string): Promise<void> {
    const { log } = record
    const { headSeq } = await eventLog.state(log)
    const message: Command = { jsonrpc: "2.0", method: "_berth/release", params: { reason } }
    const key = `server/release/${headSeq}`
    const entry: NewEntry = { origin: "server", body: { type: "client_message", message, key } }
    await eventLog.submit(log, { key, entries: [entry], ifHead: headSeq })
  }
}
