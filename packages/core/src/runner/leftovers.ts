import type { Outbox } from "./outbox.ts"
import type { Attachment } from "./runner-link.ts"

/**
 * Ends what an earlier sandbox left open. A command that may have reached an agent is never sent again:
 * its turn is lost, and whoever wants it submits it anew.
 */
export function settleLeftovers(attachment: Attachment, outbox: Outbox): void {
  const { openTurn, commands } = attachment
  if (openTurn !== null) {
    const error = "The sandbox that ran this turn is gone."
    outbox.write("_berth/turn_ended", { ...openTurn, outcome: "lost", error })
  }
  for (const { seq, state } of commands) {
    if (state === "queued") continue
    outbox.write("_berth/command_state", { commandSeq: seq, state: "done", reason: "lost" })
  }
}
