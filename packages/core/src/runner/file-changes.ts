import type { BlobHash, CommandParams } from "@berth/protocol"
import { isAppError } from "../errors/app-error.ts"
import type { SandboxFiles } from "../ports/sandbox-provider.ts"
import type { Contact } from "./contact.ts"
import { messageOf } from "./link-errors.ts"
import type { Outbox } from "./outbox.ts"
import type { RunnerLink } from "./runner-link.ts"

type FileChange = CommandParams<"_berth/file_change">

/** What became of it: the reason when it could not be done. */
export type FileChangeResult = { readonly isDone: true } | { readonly isDone: false; readonly reason: string }

/**
 * Brings a client's change into the workspace. When the file is no longer what the change was based on,
 * it stays and the client's version lands beside it, so that nothing anybody wrote is out of reach.
 */
export function createFileChanges(options: {
  readonly files: SandboxFiles
  readonly blobs: RunnerLink["blobs"]
  readonly hashContent: (content: ReadableStream<Uint8Array>) => Promise<BlobHash>
  readonly contact: Contact
  readonly outbox: Outbox
}): (seq: number, change: FileChange) => Promise<FileChangeResult> {
  const { files, blobs, hashContent, contact, outbox } = options

  const currentHash = async (path: string): Promise<BlobHash | null> => {
    const found = await files.read("workspace", path)
    return found === null ? null : hashContent(found.content)
  }

  const put = async (path: string, hash: BlobHash, mode: number | undefined): Promise<FileChangeResult> => {
    const content = await contact.insist("a file's blob", () => blobs.get(hash))
    if (content === null) return refuse(`There is no blob ${hash}. Upload it first.`)
    const { size } = await files.write("workspace", path, content, mode === undefined ? {} : { mode })
    outbox.write("_berth/file_changed", {
      path,
      hash,
      size,
      ...(mode === undefined ? {} : { mode }),
      by: "client",
    })
    return { isDone: true }
  }

  const apply = async (seq: number, change: FileChange): Promise<FileChangeResult> => {
    const { path, mode } = change
    const hash = change.hash as BlobHash | null
    const kept = await currentHash(path)
    if (kept === hash) return { isDone: true }
    if (kept === change.baseHash) {
      if (hash !== null) return put(path, hash, mode)
      await files.remove("workspace", path)
      outbox.write("_berth/file_changed", { path, hash: null, by: "client" })
      return { isDone: true }
    }
    if (hash === null) return refuse("The file has changed since; it was not deleted.")
    const beside = besideName(path, seq)
    const result = await put(beside, hash, mode)
    if (result.isDone) outbox.write("_berth/file_conflict", { path, kept, beside })
    return result
  }

  return async (seq, change) => {
    try {
      return await apply(seq, change)
    } catch (error) {
      if (contact.ended.aborted) throw error
      const reason = isAppError(error, "bad_params") ? error.message : `It failed: ${messageOf(error)}`
      return refuse(reason)
    }
  }
}

/** `name (conflict <seq>).ext`, in the same folder. */
export function besideName(path: string, seq: number): string {
  const slash = path.lastIndexOf("/") + 1
  const name = path.slice(slash)
  const dot = name.lastIndexOf(".")
  const cut = dot > 0 ? dot : name.length
  return `${path.slice(0, slash)}${name.slice(0, cut)} (conflict ${seq})${name.slice(cut)}`
}

function refuse(reason: string): FileChangeResult {
  return { isDone: false, reason }
}
