import type { Clock, Logger } from "../ports/runtime.ts"
import type { Contact } from "./contact.ts"
import type { Inbox } from "./inbox.ts"
import { isFinal, messageOf } from "./link-errors.ts"
import type { Attachment, RunnerLink } from "./runner-link.ts"

const reconnectDelayMs = 50

/** Reads what the log has for the runner, through any number of lost connections, until the relation ends. */
export async function followLog(options: {
  readonly link: RunnerLink
  readonly contact: Contact
  readonly clock: Clock
  readonly logger: Logger
  readonly inbox: Inbox
  readonly attach: () => Promise<Attachment>
  readonly onAttached: (attachment: Attachment) => void
}): Promise<void> {
  const { link, contact, clock, logger, inbox, attach, onAttached } = options

  const readUntilCut = async (): Promise<void> => {
    for await (const entries of link.commands(inbox.lastSeq, { signal: contact.ended })) {
      contact.touch()
      for (const entry of entries) await inbox.take(entry)
    }
  }

  while (!contact.ended.aborted) {
    try {
      await readUntilCut()
    } catch (error) {
      if (isFinal(error)) contact.end("fenced", error)
      else logger.info({ error: messageOf(error) }, "the command stream was cut")
    }
    if (contact.ended.aborted) return
    await clock.sleep(reconnectDelayMs, { signal: contact.ended })
    try {
      onAttached(await contact.insist("attach", attach))
    } catch (error) {
      if (!contact.ended.aborted) contact.end("fenced", error)
    }
  }
}

/** Renews the lease for as long as the relation lasts. A renewal that comes late revives it. */
export async function renewLease(options: {
  readonly link: RunnerLink
  readonly contact: Contact
  readonly clock: Clock
  readonly everyMs: number
}): Promise<void> {
  const { link, contact, clock, everyMs } = options
  while (!contact.ended.aborted) {
    await clock.sleep(everyMs, { signal: contact.ended })
    if (contact.ended.aborted) return
    try {
      await contact.insist("renew", () => link.renew())
    } catch (error) {
      if (!contact.ended.aborted) contact.end("fenced", error)
    }
  }
}
