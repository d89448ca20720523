import { readdirSync, rmdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { hasErrno } from "./has-errno.ts"
import type { SandboxRecord } from "./sandbox-record.ts"

/** A sandbox's folder and uid have a record within the same turn of the event loop, unless its maker died. */
const remainsAgeMs = 5_000

/**
 * Removes what no record leads to: a folder whose maker or remover was killed between it and its record, and
 * uids that were reserved and never used.
 */
export async function removeRemains(options: {
  readonly directory: string
  /** Every sandbox of `directory` that has a record. */
  readonly records: readonly SandboxRecord[]
  /** Folders of sandboxes without one. */
  readonly nameless: readonly string[]
  readonly destroy: (id: string) => Promise<void>
}): Promise<void> {
  const { directory, records, nameless, destroy } = options
  for (const id of nameless) if (isOld(join(directory, id))) await destroy(id)
  const used = new Set(records.flatMap(({ owner }) => (owner === null ? [] : [String(owner.uid)])))
  const reserved = join(directory, ".uids")
  for (const uid of namesIn(reserved)) {
    if (!used.has(uid) && isOld(join(reserved, uid))) removeFolder(join(reserved, uid))
  }
}

function isOld(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && Date.now() - stats.mtimeMs > remainsAgeMs
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return []
    throw error
  }
}

function removeFolder(path: string): void {
  try {
    rmdirSync(path)
  } catch (error) {
    if (!hasErrno(error, "ENOENT", "ENOTEMPTY")) throw error
  }
}
