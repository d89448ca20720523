import type { BlobHash } from "@berth/protocol"
import { isAppError } from "../errors/app-error.ts"
import type { SandboxFiles } from "../ports/sandbox-provider.ts"
import type { TreeFile } from "./list-tree.ts"

export type HashContent = (content: ReadableStream<Uint8Array>) => Promise<BlobHash>

/** Files up to this size are read once and held until stored; larger ones are read again to be stored. */
export const heldMaxBytes = 1024 * 1024

export interface FileContent {
  readonly hash: BlobHash
  readonly size: number
  readonly mode: number
  readonly stamp: string
  /** The content itself, when it is small. */
  readonly bytes: Uint8Array<ArrayBuffer> | null
  /** The file changed while it was read, both times: the content is of no one moment. */
  readonly isTorn: boolean
}

export type ReadOutcome =
  | { readonly kind: "content"; readonly content: FileContent }
  | { readonly kind: "gone" }
  | { readonly kind: "unreadable"; readonly reason: string }

/** Reads and hashes one file; a second time when it changed meanwhile. Never rejects. */
export async function readContent(
  files: SandboxFiles,
  hashContent: HashContent,
  file: TreeFile,
): Promise<ReadOutcome> {
  const first = await readOnce(files, hashContent, file)
  if (first.kind !== "content" || !first.content.isTorn) return first
  return readOnce(files, hashContent, file)
}

async function readOnce(files: SandboxFiles, hashContent: HashContent, file: TreeFile): Promise<ReadOutcome> {
  const { root } = file
  const { path } = file.info
  try {
    const found = await files.read(root, path)
    if (found === null) return { kind: "gone" }
    const { info } = found
    const held = info.size <= heldMaxBytes ? await collect(found.content) : null
    const counted = held === null ? countBytes(found.content) : null
    const hash = await hashContent(counted?.stream ?? streamOf(held ?? new Uint8Array()))
    const after = await files.stat(root, path)
    if (after === null) return { kind: "gone" }
    const size = counted?.size() ?? held?.byteLength ?? 0
    const isTorn = after.stamp !== info.stamp
    return {
      kind: "content",
      content: { hash, size, mode: info.mode, stamp: info.stamp, bytes: held, isTorn },
    }
  } catch (error) {
    return { kind: "unreadable", reason: reasonOf(error) }
  }
}

/**
 * The file again, as far as it was hashed: what somebody keeps appending to still has the same beginning.
 * Null when it is gone. `hasFailed` tells an error of the file from one of whoever takes the stream.
 */
export async function reread(
  files: SandboxFiles,
  file: TreeFile,
  size: number,
): Promise<{ readonly stream: ReadableStream<Uint8Array>; readonly hasFailed: () => boolean } | null> {
  let hasFailed = false
  const found = await files.read(file.root, file.info.path).catch(() => null)
  if (found === null) return null
  const reader = found.content.getReader()
  let left = size
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value } = await reader.read()
        if (value !== undefined && left > 0) controller.enqueue(value.subarray(0, left))
        left -= value?.byteLength ?? left
      } catch (error) {
        hasFailed = true
        throw error
      }
      if (left > 0) return
      controller.close()
      await reader.cancel()
    },
    cancel: (reason) => reader.cancel(reason),
  })
  return { stream, hasFailed: () => hasFailed }
}

export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes)
      controller.close()
    },
  })
}

/** A word for the record; never a path of the host. */
export function reasonOf(error: unknown): string {
  if (isAppError(error)) return error.code === "bad_params" ? "no longer a regular file" : error.code
  const code: unknown = typeof error === "object" && error !== null && "code" in error ? error.code : null
  return typeof code === "string" ? `cannot be read (${code})` : "cannot be read"
}

async function collect(content: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(content as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
}

function countBytes(content: ReadableStream<Uint8Array>): {
  readonly stream: ReadableStream<Uint8Array>
  readonly size: () => number
} {
  let size = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength
      controller.enqueue(chunk)
    },
  })
  return { stream: content.pipeThrough(counter), size: () => size }
}
