import type { BlobHash } from "@berth/protocol"
import { isAppError } from "../errors/app-error.ts"
import type { Ids, Logger } from "../ports/runtime.ts"
import type { Contact } from "./contact.ts"
import { messageOf } from "./link-errors.ts"
import type { Outbox } from "./outbox.ts"
import type { SnapshotResult, SnapshotSource } from "./snapshot-source.ts"

const skippedListMax = 100

export interface Snapshots {
  /** Brings the sandbox to what the manifest says. Waits for a log that is away; rejects on all else. */
  restore(manifest: BlobHash): Promise<void>
  /** Says so in the log when it fails; never rejects. `isQuiet`: no process of the sandbox runs. */
  take(options: { readonly isQuiet: boolean }): Promise<void>
  /** The same when no log can be reached, into the spool. */
  takeToSpool(): Promise<void>
}

/** Keeps what the sandbox holds: blobs first, then the entry that points to them. */
export function createSnapshots(options: {
  readonly workspace: SnapshotSource
  /** The same files, with the spool's blobs. */
  readonly spoolWorkspace: SnapshotSource
  readonly restored: BlobHash | null
  readonly contact: Contact
  readonly outbox: Outbox
  readonly ids: Ids
  readonly logger: Logger
}): Snapshots {
  const { workspace, spoolWorkspace, contact, outbox, ids, logger } = options
  let newest: BlobHash | null = options.restored

  const write = (result: SnapshotResult, isQuiet: boolean): void => {
    const { manifest, files, bytes, skipped, skippedCount } = result
    if (manifest === newest) return
    newest = manifest
    outbox.write("_berth/snapshot", {
      snapshotId: `snap_${ids.next()}`,
      manifest,
      files,
      bytes,
      ...(result.fuzzy && !isQuiet ? { fuzzy: true } : {}),
      ...(skippedCount > 0 ? { skipped: skipped.slice(0, skippedListMax), skippedCount } : {}),
    })
  }

  const fail = (error: unknown): void => {
    logger.error({ error: messageOf(error) }, "no snapshot")
    const message = `No snapshot could be taken: ${messageOf(error)}`
    outbox.write("_berth/error", { code: "snapshot_failed", message: message.slice(0, 2048) })
  }

  /** Only a log that is away is waited for; a file that cannot be read will not get better. */
  const patiently = async <Value>(what: string, action: () => Promise<Value>): Promise<Value> => {
    const attempt = async (): Promise<() => Value> => {
      try {
        const value = await action()
        return () => value
      } catch (error) {
        if (isAppError(error, "unavailable")) throw error
        return () => {
          throw error
        }
      }
    }
    const result = await contact.insist(what, attempt)
    return result()
  }

  return {
    async restore(manifest) {
      const { skipped, skippedCount } = await patiently("restore", () => workspace.restore(manifest))
      if (skippedCount === 0) return
      const message = `${skippedCount} paths of the workspace could not be restored.`
      outbox.write("_berth/error", {
        code: "restore_incomplete",
        message,
        details: { skipped: skipped.slice(0, skippedListMax).map(({ path, reason }) => ({ path, reason })) },
      })
    },
    async take({ isQuiet }) {
      try {
        write(await patiently("snapshot", () => workspace.snapshot()), isQuiet)
      } catch (error) {
        if (!contact.ended.aborted) fail(error)
      }
    },
    async takeToSpool() {
      try {
        write(await spoolWorkspace.snapshot(), true)
      } catch (error) {
        fail(error)
      }
    },
  }
}
