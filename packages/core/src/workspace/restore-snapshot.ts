import type { BlobHash } from "@berth/protocol"
import { AppError, isAppError } from "../errors/app-error.ts"
import type { Clock } from "../ports/runtime.ts"
import type { SandboxFiles } from "../ports/sandbox-provider.ts"
import type { RunnerLink } from "../runner/runner-link.ts"
import { decodeManifest } from "./manifest-json.ts"
import type { Manifest, ManifestEntry } from "./manifest.ts"
import { runConcurrently } from "./run-concurrently.ts"
import { createSkippedPaths, type SkippedPath } from "./skipped-paths.ts"
import type { StampMemory } from "./stamp-memory.ts"

const parallel = 8

export interface RestoreResult {
  readonly files: number
  readonly bytes: number
  /** What could not be restored, with the reason: a blob that is gone, a path that is refused. At most 100 are named. */
  readonly skipped: readonly SkippedPath[]
  readonly skippedCount: number
}

/**
 * Writes all that the manifest holds into a sandbox where nothing runs yet; removes nothing. May be
 * repeated. `blob_not_found` without the manifest; a missing blob of a file is named in the result.
 */
export async function restoreSnapshot(
  options: {
    readonly files: SandboxFiles
    readonly blobs: RunnerLink["blobs"]
    readonly clock: Pick<Clock, "now">
    readonly stamps: StampMemory
  },
  manifestHash: BlobHash,
): Promise<RestoreResult> {
  const { files, blobs, clock, stamps } = options
  const { entries } = await readManifest(blobs, manifestHash)
  const skipped = createSkippedPaths()
  let restored = 0
  let bytes = 0

  /** True when it was done; a path that the sandbox refuses costs that path alone. */
  const attempt = async ({ root, path }: ManifestEntry, action: () => Promise<void>): Promise<boolean> => {
    try {
      await action()
      return true
    } catch (error) {
      if (!isAppError(error, "bad_params") && !isAppError(error, "too_large")) throw error
      skipped.add(root, path, error.message)
      return false
    }
  }

  const writeFile = async (entry: FileEntry): Promise<void> => {
    const { root, path, mode, hash } = entry
    const content = await blobs.get(hash)
    if (content === null) {
      skipped.add(root, path, `its blob is missing (${hash})`)
      return
    }
    const isWritten = await attempt(entry, async () => {
      const { size } = await files.write(root, path, content, { mode })
      restored += 1
      bytes += size
    })
    if (!isWritten) return content.cancel().catch(() => undefined)
    const info = await files.stat(root, path)
    if (info === null) return
    // Nothing runs in the sandbox: nobody can write within the tick of the clock.
    stamps.learn(
      root,
      path,
      { stamp: info.stamp, size: info.size, hash },
      { seenAt: Number.NEGATIVE_INFINITY, readAt: clock.now() },
    )
    stamps.confirm(hash, clock.now())
  }

  // Sorted, so a folder comes before what it holds. Modes last: a folder may be closed to writing.
  const directories = entries.filter((entry) => entry.kind === "directory")
  for (const entry of directories) await attempt(entry, () => files.makeDirectory(entry.root, entry.path))
  await runConcurrently(
    entries.filter((entry) => entry.kind === "file"),
    parallel,
    writeFile,
  )
  for (const entry of entries) {
    if (entry.kind === "symlink") await attempt(entry, () => files.link(entry.root, entry.path, entry.target))
  }
  for (const entry of directories.toReversed()) {
    const { root, path, mode } = entry
    await attempt(entry, () => files.makeDirectory(root, path, { mode }))
  }
  return { files: restored, bytes, skipped: skipped.list, skippedCount: skipped.count }
}

type FileEntry = Extract<ManifestEntry, { kind: "file" }>

/** `blob_not_found`; `bad_params` when the blob is no manifest. */
export async function readManifest(
  blobs: Pick<RunnerLink["blobs"], "get">,
  hash: BlobHash,
): Promise<Manifest> {
  const content = await blobs.get(hash)
  if (content === null) throw new AppError("blob_not_found", `The manifest ${hash} is not in the store.`)
  return decodeManifest(
    new Uint8Array(await new Response(content as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer()),
  )
}
