import type { BlobHash } from "@berth/protocol"
import type { Clock } from "../ports/runtime.ts"
import type { SandboxFiles } from "../ports/sandbox-provider.ts"
import type { RunnerLink } from "../runner/runner-link.ts"
import { isAppError } from "../errors/app-error.ts"
import type { TreeFile } from "./list-tree.ts"
import {
  heldMaxBytes,
  readContent,
  reread,
  streamOf,
  type FileContent,
  type HashContent,
} from "./read-content.ts"
import { runConcurrently } from "./run-concurrently.ts"
import type { SkippedPaths } from "./skipped-paths.ts"
import type { StampMemory } from "./stamp-memory.ts"

/** One batch is read, asked for and uploaded before the next is read: this bounds memory. */
const batchFiles = 256
const batchHeldBytes = 16 * 1024 * 1024
const parallel = 4

export interface StoreContext {
  readonly files: SandboxFiles
  readonly blobs: RunnerLink["blobs"]
  readonly hashContent: HashContent
  readonly clock: Pick<Clock, "now">
  readonly stamps: StampMemory
  readonly skipped: SkippedPaths
}

export interface StoredFiles {
  readonly stored: ReadonlyMap<TreeFile, Pick<FileContent, "hash" | "size" | "mode">>
  /** Something changed or vanished while it was read. */
  readonly isFuzzy: boolean
}

/**
 * Reads files and makes their blobs durable. Rejects only with errors of the blob store: a file that
 * cannot be read is skipped. `seenAt`: when the walk saw them.
 */
export async function storeFiles(
  context: StoreContext,
  files: readonly TreeFile[],
  seenAt: number,
): Promise<StoredFiles> {
  const stored = new Map<TreeFile, FileContent>()
  let isFuzzy = false
  const run = createFileRun(context, seenAt, stored, () => {
    isFuzzy = true
  })
  for (const batch of batches(files)) {
    await runConcurrently(batch, parallel, run.read)
    // More than one round only when a file changed between being hashed and being sent.
    for (;;) {
      const wanted = await missingOf(
        context,
        batch.flatMap((file) => stored.get(file)?.hash ?? []),
      )
      if (wanted.size === 0) break
      const uploads = batch.filter((file) => wanted.delete(stored.get(file)?.hash))
      await runConcurrently(uploads, parallel, run.upload)
    }
    for (const file of batch) run.finish(file)
  }
  return { stored, isFuzzy }
}

/** Asks the store, a bounded number at a time. */
export async function missingOf(
  { blobs, stamps, clock }: Pick<StoreContext, "blobs" | "stamps" | "clock">,
  hashes: readonly BlobHash[],
): Promise<Set<BlobHash | undefined>> {
  const now = clock.now()
  const asked = [...new Set(hashes)].filter((hash) => !stamps.isConfirmed(hash, now))
  const missing = new Set<BlobHash | undefined>()
  for (let start = 0; start < asked.length; start += 1000) {
    for (const hash of await blobs.missing(asked.slice(start, start + 1000))) missing.add(hash)
  }
  for (const hash of asked) if (!missing.has(hash)) stamps.confirm(hash, now)
  return missing
}

function createFileRun(
  { files, blobs, hashContent, clock, stamps, skipped }: StoreContext,
  seenAt: number,
  stored: Map<TreeFile, FileContent>,
  noteChange: () => void,
) {
  const readAts = new Map<TreeFile, number>()
  const refused = new Set<TreeFile>()

  const skip = (file: TreeFile, reason: string): void => {
    stored.delete(file)
    skipped.add(file.root, file.info.path, reason)
  }

  const read = async (file: TreeFile): Promise<void> => {
    readAts.set(file, clock.now())
    const outcome = await readContent(files, hashContent, file)
    if (outcome.kind === "content") stored.set(file, outcome.content)
    if (outcome.kind === "unreadable") skip(file, outcome.reason)
    if (outcome.kind === "gone" || (outcome.kind === "content" && outcome.content.isTorn)) noteChange()
  }

  /** False when the file does not hold that content any more. */
  const put = async (file: TreeFile, { hash, bytes, size }: FileContent): Promise<boolean> => {
    const source =
      bytes === null ? await reread(files, file, size) : { stream: streamOf(bytes), hasFailed: () => false }
    if (source === null) return false
    try {
      await blobs.put(hash, source.stream)
      return true
    } catch (error) {
      if (source.hasFailed() || isAppError(error, "bad_request")) return false
      throw error
    }
  }

  const upload = async (file: TreeFile): Promise<void> => {
    const content = stored.get(file)
    if (content === undefined) return
    if (await put(file, content)) {
      stamps.confirm(content.hash, clock.now())
      return
    }
    noteChange()
    stored.delete(file)
    if (refused.has(file)) return skip(file, "changed while it was read, again and again")
    refused.add(file)
    await read(file)
  }

  const finish = (file: TreeFile): void => {
    const content = stored.get(file)
    if (content === undefined) return
    const { hash, size, mode, stamp, isTorn } = content
    // The bytes go: a batch is all that is held.
    stored.set(file, { hash, size, mode, stamp, isTorn, bytes: null })
    const readAt = readAts.get(file) ?? seenAt
    if (!isTorn) stamps.learn(file.root, file.info.path, { stamp, size, hash }, { seenAt, readAt })
  }

  return { read, upload, finish }
}

function* batches(files: readonly TreeFile[]): Generator<readonly TreeFile[]> {
  let batch: TreeFile[] = []
  let held = 0
  for (const file of files) {
    batch.push(file)
    held += file.info.size <= heldMaxBytes ? file.info.size : 0
    if (batch.length < batchFiles && held < batchHeldBytes) continue
    yield batch
    batch = []
    held = 0
  }
  if (batch.length > 0) yield batch
}
