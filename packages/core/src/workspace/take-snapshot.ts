import { AppError } from "../errors/app-error.ts"
import type { SnapshotResult } from "../runner/snapshot-source.ts"
import { listTree, type TreeFile } from "./list-tree.ts"
import { encodeManifest } from "./manifest-json.ts"
import type { ManifestEntry } from "./manifest.ts"
import { streamOf } from "./read-content.ts"
import { createSkippedPaths } from "./skipped-paths.ts"
import { pathKey } from "./stamp-memory.ts"
import { missingOf, storeFiles, type StoreContext } from "./store-files.ts"

/**
 * Reads what changed since the last snapshot, uploads what the store lacks, then the manifest. Rejects
 * only with errors of the blob store or of the walk, and with `storage_full` when there is too much; what was learnt until then is kept for the next try.
 */
export async function takeSnapshot(
  workspace: Omit<StoreContext, "skipped"> & {
    readonly memory: readonly string[]
    readonly ignore: readonly string[]
    readonly maxBytes: number
  },
): Promise<SnapshotResult> {
  const { files, memory, ignore, maxBytes, stamps, clock, blobs, hashContent } = workspace
  const skipped = createSkippedPaths()
  const context = { ...workspace, skipped }
  const seenAt = clock.now()
  const listing = await listTree({ files, memory, ignore, skipped })

  refuseOversize(listing.files, maxBytes)

  const entries: ManifestEntry[] = [...listing.entries]
  const unchanged = listing.files.map((file) => ({ file, hash: stamps.hashOf(file.root, file.info) }))
  const missing = await missingOf(
    context,
    unchanged.flatMap(({ hash }) => hash ?? []),
  )
  const toRead: TreeFile[] = []
  for (const { file, hash } of unchanged) {
    if (hash === null || missing.has(hash)) {
      toRead.push(file)
      continue
    }
    const { path, mode, size } = file.info
    entries.push({ root: file.root, path, mode, kind: "file", hash, size })
  }
  const { stored, isFuzzy } = await storeFiles(context, toRead, seenAt)
  for (const [file, { hash, size, mode }] of stored) {
    entries.push({ root: file.root, path: file.info.path, mode, kind: "file", hash, size })
  }

  const bytes = encodeManifest(entries)
  const manifest = await hashContent(streamOf(bytes))
  const [absent] = await blobs.missing([manifest])
  if (absent !== undefined) await blobs.put(manifest, streamOf(bytes))

  const kept = entries.filter((entry) => entry.kind === "file")
  stamps.keepOnly(
    new Set(kept.map((entry) => pathKey(entry.root, entry.path))),
    new Set(kept.map((entry) => entry.hash)),
  )
  return {
    manifest,
    files: kept.length,
    bytes: kept.reduce((sum, entry) => sum + entry.size, 0),
    fuzzy: isFuzzy,
    skipped: skipped.list,
    skippedCount: skipped.count,
  }
}

function refuseOversize(files: readonly TreeFile[], maxBytes: number): void {
  const bytes = files.reduce((sum, file) => sum + file.info.size, 0)
  if (bytes <= maxBytes) return
  const mib = (count: number): number => Math.ceil(count / (1024 * 1024))
  throw new AppError(
    "storage_full",
    `There are ${mib(bytes)} MiB in the workspace, and ${mib(maxBytes)} MiB are the limit. Remove some.`,
  )
}
