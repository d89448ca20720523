import type { Command, Entry, EntryBody, Notification } from "@berth/protocol"
import { messageOf } from "./link-errors.ts"
import type { Attachment, RunnerLink } from "./runner-link.ts"

export interface InboxHandlers {
  /** A command, once. `openTurnId` is the turn that was open at the command's own seq. */
  command(seq: number, command: Command, openTurnId: string | null): Promise<void>
  /** A command whose text cannot be had. */
  unreadable(seq: number, reason: string): void
  /** What our side said, newer than the attachment. */
  notice(notification: Notification): void
}

/** Reads the log for a runner: which entries are for it, and in which turn's place they stand. */
export interface Inbox {
  /** Where to read from. */
  readonly startAfter: number
  /** In the order of seq; entries that were taken before are skipped. */
  take(entry: Entry): Promise<void>
  readonly lastSeq: number
}

export function createInbox(options: {
  readonly attachment: Attachment
  readonly blobs: RunnerLink["blobs"]
  readonly insist: <Value>(what: string, attempt: () => Promise<Value>) => Promise<Value>
  readonly handlers: InboxHandlers
}): Inbox {
  const { attachment, blobs, insist, handlers } = options
  const waiting = new Set(
    attachment.commands.filter((command) => command.state === "queued").map((command) => command.seq),
  )
  const startAfter = Math.min(attachment.headSeq, ...[...waiting].map((seq) => seq - 1))
  let lastSeq = startAfter
  let openTurnId: string | null = null

  const isMine = (seq: number): boolean => seq > attachment.headSeq || waiting.has(seq)

  const takeNotification = (seq: number, notification: Notification): void => {
    switch (notification.method) {
      case "_berth/turn_started":
        openTurnId = notification.params.turnId
        return
      case "_berth/turn_ended":
        if (openTurnId === notification.params.turnId) openTurnId = null
        return
      case "_berth/session_updated":
        // Older ones are in the attachment.
        if (seq > attachment.headSeq) handlers.notice(notification)
        return
      default:
        handlers.notice(notification)
    }
  }

  const unspill = async (entry: Entry & { type: "spilled" }): Promise<void> => {
    try {
      const content = await insist("a command's blob", () => blobs.get(entry.blob))
      if (content === null) return handlers.unreadable(entry.seq, "its content is gone")
      const body = (await new Response(content).json()) as EntryBody
      if (body.type !== "client_message") return handlers.unreadable(entry.seq, "its content is no command")
      await handlers.command(entry.seq, body.message, openTurnId)
    } catch (error) {
      handlers.unreadable(entry.seq, `its content cannot be read: ${messageOf(error)}`)
    }
  }

  return {
    startAfter,
    get lastSeq() {
      return lastSeq
    },
    async take(entry) {
      if (entry.seq <= lastSeq) return
      lastSeq = entry.seq
      if (entry.type === "notification") return takeNotification(entry.seq, entry.notification)
      if (!isMine(entry.seq)) return
      if (entry.type === "client_message") return handlers.command(entry.seq, entry.message, openTurnId)
      if (entry.key !== undefined) return unspill(entry)
    },
  }
}
