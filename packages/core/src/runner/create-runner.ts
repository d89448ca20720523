import type { Clock } from "../ports/runtime.ts"
import { assembleRunner, type RunnerParts } from "./assemble-runner.ts"
import { createContact, type Contact, type EndCause } from "./contact.ts"
import { followLog, renewLease } from "./follow-log.ts"
import { settleLeftovers } from "./leftovers.ts"
import { messageOf } from "./link-errors.ts"
import type { Attachment } from "./runner-link.ts"
import type { RunnerOptions } from "./runner-options.ts"

/** After being told to stop, how long the log may take to hear of it; then the spool has it. */
const stopPatienceMs = 10_000

/**
 * Why a runner ended. `released`, `closed`, `stopped`: the log has everything and the lease was given
 * back. `fenced`: the session belongs to somebody else, or is gone. `orphaned`: no log was found; what it
 * does not have is in the spool. In each case no process of the sandbox is left; its files are.
 */
export type RunnerEnd =
  | "released"
  | "closed"
  | "stopped"
  | "disk_full"
  | "restore_failed"
  | "fenced"
  | "orphaned"

export interface Runner {
  /** Drives the session until it ends. `signal`: end it well, soon. Rejects only on a fault of ours. */
  run(signal: AbortSignal): Promise<RunnerEnd>
}

/** Commands that cannot be done without an agent: it is started at once when one of them waits. */
const needsAgent: ReadonlySet<string> = new Set([
  "session/prompt",
  "session/set_mode",
  "session/set_config_option",
  "_berth/answer",
])

/** Drives the sandbox and the agent of one log: DESIGN.md, "The one idea". */
export function createRunner(options: RunnerOptions): Runner {
  const { link, sandbox, clock, logger, orphanTimeoutMs } = options
  const attach = (): Promise<Attachment> => link.attach({ isolation: { ...sandbox.isolation } })

  const run = async (signal: AbortSignal): Promise<RunnerEnd> => {
    const contact = createContact({ clock, logger, orphanTimeoutMs })
    void giveUpWhenStopped(contact, clock, signal)
    let parts: RunnerParts | null = null
    try {
      const attachment = await contact.insist("attach", attach)
      parts = assembleRunner(options, contact, attachment)
      void parts.outbox.run()
      void renewLease({ link, contact, clock, everyMs: attachment.leaseTtlMs / 3 })
      settleLeftovers(attachment, parts.outbox)
      return await drive(parts, attachment, signal)
    } catch (error) {
      const cause = contact.cause()
      if (cause === null) throw error
      return parts === null ? cause : await abandon(parts, cause)
    } finally {
      await sandbox.stop()
      contact.close()
    }
  }

  const drive = async (
    parts: RunnerParts,
    attachment: Attachment,
    signal: AbortSignal,
  ): Promise<RunnerEnd> => {
    const { contact, agenda, turns, outbox, host, snapshots, inbox } = parts
    stopTurnAtEnd(parts, signal)
    if (!(await restore(parts, attachment))) return leave(parts, "restore_failed")
    await options.serveTools(parts.tools)
    if (attachment.commands.some(({ method }) => needsAgent.has(method))) {
      // When it fails, so does the first prompt, which says why.
      void host.ready().catch(() => undefined)
    }
    const onAttached = ({ lastN }: Attachment): void => outbox.acknowledge(lastN)
    void followLog({ link, contact, clock, logger, inbox, attach, onAttached })
    for (;;) {
      const end = endOf(parts, signal)
      if (end !== null) return leave(parts, end)
      const work = agenda.queue.shift()
      if (work !== undefined) {
        await turns.run(work)
        agenda.hasChanges = true
      }
      if (agenda.hasChanges && endOf(parts, signal) === null) {
        agenda.hasChanges = false
        await snapshots.take({ isQuiet: false })
      } else if (agenda.release !== null) {
        if (await giveBack(parts)) return "released"
      } else if (work === undefined) await agenda.wait(contact.ended)
    }
  }

  /** False when there was something to restore and it could not be: working on would replace it. */
  const restore = async (
    { contact, outbox, snapshots }: RunnerParts,
    attachment: Attachment,
  ): Promise<boolean> => {
    const { snapshot } = attachment
    if (snapshot === null) return true
    try {
      await snapshots.restore(snapshot.manifest)
      await contact.insist("restored", () => link.restored(snapshot.seq))
      return true
    } catch (error) {
      if (contact.ended.aborted) throw error
      const reason = `The workspace could not be restored: ${messageOf(error)}`.slice(0, 2048)
      outbox.write("_berth/error", { code: "restore_failed", message: reason })
      for (const { seq, state } of attachment.commands) {
        if (state !== "queued") continue
        outbox.write("_berth/command_state", { commandSeq: seq, state: "declined", reason })
      }
      return false
    }
  }

  /** Takes the last snapshot and gives the lease back, unless work came meanwhile. */
  const giveBack = async (parts: RunnerParts): Promise<boolean> => {
    await parts.host.end()
    await sandbox.stop()
    await parts.snapshots.take({ isQuiet: true })
    const { release } = parts.agenda
    if (release === null) return false
    parts.outbox.write("_berth/command_state", { commandSeq: release.seq, state: "done" })
    await handOver(parts, release.reason)
    return true
  }

  const leave = async (parts: RunnerParts, end: RunnerEnd): Promise<RunnerEnd> => {
    if (end === "fenced" || end === "orphaned") return abandon(parts, end)
    await parts.host.end()
    await sandbox.stop()
    if (end === "stopped" || end === "closed") await parts.snapshots.take({ isQuiet: true })
    await handOver(parts, end)
    return end
  }

  const handOver = async ({ outbox, contact }: RunnerParts, reason: string): Promise<void> => {
    await outbox.flushed()
    await contact.insist("release", () => link.release(reason))
  }

  const abandon = async ({ host, outbox, snapshots }: RunnerParts, cause: EndCause): Promise<RunnerEnd> => {
    await host.kill()
    await sandbox.stop()
    if (cause === "orphaned") await snapshots.takeToSpool()
    await outbox.spooled()
    return cause
  }

  /** What ends the runner ends its turn: the loop above sees it only between turns. */
  const stopTurnAtEnd = (
    { contact, agenda, turns, host, outbox }: RunnerParts,
    signal: AbortSignal,
  ): void => {
    const stopped = (): void => {
      void turns.stop("interrupted", "The runner was stopped.")
      agenda.notify()
    }
    if (signal.aborted) stopped()
    else signal.addEventListener("abort", stopped, { once: true, signal: contact.ended })
    const ended = (): void => {
      void turns.stop("interrupted", "The session's log could no longer be reached.")
      void host.kill()
    }
    contact.ended.addEventListener("abort", ended, { once: true })
    void sandbox.exceeded.then((limit) => {
      if (contact.ended.aborted) return
      const message =
        "The sandbox grew over its disk limit and was ended. The next prompt starts from the last snapshot."
      outbox.write("_berth/error", { code: `${limit}_full`, message })
      void turns.stop("failed", message)
      agenda.isDiskFull = true
      agenda.notify()
    })
  }

  return { run }
}

function endOf({ contact, agenda }: RunnerParts, signal: AbortSignal): RunnerEnd | null {
  const cause = contact.cause()
  if (cause !== null) return cause
  if (agenda.isDiskFull) return "disk_full"
  if (signal.aborted) return "stopped"
  return agenda.isClosing ? "closed" : null
}

async function giveUpWhenStopped(contact: Contact, clock: Clock, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const until = { once: true, signal: contact.ended }
  if (signal.aborted) resolve()
  else signal.addEventListener("abort", () => resolve(), until)
  await promise
  await clock.sleep(stopPatienceMs, { signal: contact.ended })
  if (!contact.ended.aborted) contact.end("orphaned", new Error("no log was reached while stopping"))
}
