import { limits } from "@berth/protocol"
import { isOversized, spillBody } from "../log/spill-body.ts"
import type { BlobStore } from "../ports/blob-store.ts"
import type { EventLog, NewEntry } from "../ports/event-log.ts"
import type { UnsentEntry } from "../ports/runner-host.ts"
import type { SessionRecord } from "../ports/session-store.ts"
import { mayBeSpilled } from "../runner/runner-access-entries.ts"
import { readUnsentEntries } from "../runner/unsent-entries.ts"

/** Writes what a dead runner had spooled and not sent, in batches and spilled as if it had sent it. */
export async function salvageUnsent(
  ports: { readonly eventLog: EventLog; readonly blobStore: BlobStore },
  record: Pick<SessionRecord, "log" | "id" | "project">,
  from: { readonly epoch: number; readonly generation: number; readonly unsent: readonly UnsentEntry[] },
): Promise<void> {
  const { eventLog, blobStore } = ports
  const { epoch, generation, unsent } = from
  const { log, id, project } = record
  const { lastN } = await eventLog.state(log)
  const { entries, firstN } = readUnsentEntries(unsent, lastN[generation] ?? 0, id)

  const spill = async (entry: NewEntry): Promise<NewEntry> => {
    const { body } = entry
    const isLarge = body.type === "notification" && isOversized(JSON.stringify(body))
    if (!isLarge || !mayBeSpilled(body.notification.method)) return entry
    return { ...entry, body: await spillBody(blobStore, project, body) }
  }

  for (let start = 0; start < entries.length; start += limits.appendBatchEntries) {
    const batch: NewEntry[] = []
    // One at a time: together they may be as large as a spool.
    for (const entry of entries.slice(start, start + limits.appendBatchEntries))
      batch.push(await spill(entry))
    await eventLog.append(log, epoch, batch, { source: { generation, firstN: firstN + start } })
  }
}
