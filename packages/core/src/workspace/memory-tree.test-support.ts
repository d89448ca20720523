import { createHash } from "node:crypto"
import type { BlobHash } from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"
import type { FileInfo, FileRoot, SandboxFiles } from "../ports/sandbox-provider.ts"
import type { RunnerLink } from "../runner/runner-link.ts"

export interface TreeNode {
  readonly kind: FileInfo["kind"]
  mode: number
  content: Uint8Array<ArrayBuffer>
  target: string
  stamp: number
}

/** A sandbox's files in memory, with a hook before each read. */
export interface MemoryTree {
  readonly port: SandboxFiles
  readonly nodes: Record<FileRoot, Map<string, TreeNode>>
  /** Files read so far. */
  reads: string[]
  beforeChunk: (path: string) => void
  put(root: FileRoot, path: string, content: string | Uint8Array<ArrayBuffer>, mode?: number): void
  putOther(root: FileRoot, path: string, kind: "other" | "directory", mode?: number): void
  putLink(root: FileRoot, path: string, target: string): void
}

const chunkBytes = 64 * 1024

export function createMemoryTree(): MemoryTree {
  let stamps = 0
  const nodes = { workspace: new Map<string, TreeNode>(), home: new Map<string, TreeNode>() }
  const infoOf = (path: string, node: TreeNode): FileInfo => ({
    path,
    kind: node.kind,
    size: node.content.byteLength,
    mode: node.mode,
    stamp: String(node.stamp),
    ...(node.kind === "symlink" ? { target: node.target } : {}),
  })
  const set = (root: FileRoot, path: string, node: Omit<TreeNode, "stamp">): void => {
    if (path.split("/").some((name) => name === "" || name === "." || name === "..")) {
      throw new AppError("bad_params", `The path ${path} is not allowed.`)
    }
    stamps += 1
    const parents = path.split("/").slice(0, -1)
    parents.forEach((_, index) => {
      const parent = parents.slice(0, index + 1).join("/")
      if (!nodes[root].has(parent)) tree.putOther(root, parent, "directory", 0o755)
    })
    nodes[root].set(path, { ...node, stamp: stamps })
  }
  const tree: MemoryTree = {
    nodes,
    reads: [],
    beforeChunk: () => undefined,
    put(root, path, content, mode = 0o644) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
      set(root, path, { kind: "file", mode, content: bytes, target: "" })
    },
    putOther(root, path, kind, mode = 0o755) {
      set(root, path, { kind, mode, content: new Uint8Array(), target: "" })
    },
    putLink(root, path, target) {
      set(root, path, { kind: "symlink", mode: 0o777, content: new Uint8Array(), target })
    },
    port: {
      async *walk(root) {
        for (const [path, node] of nodes[root]) yield infoOf(path, node)
      },
      async stat(root, path) {
        const node = nodes[root].get(path)
        return node === undefined ? null : infoOf(path, node)
      },
      async read(root, path) {
        const node = nodes[root].get(path)
        if (node === undefined) return null
        if (node.kind !== "file") throw new AppError("bad_params", "no regular file")
        tree.reads.push(path)
        const { content } = node
        let at = 0
        const stream = new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              tree.beforeChunk(path)
              if (at < content.byteLength) controller.enqueue(content.slice(at, at + chunkBytes))
              at += chunkBytes
              if (at >= content.byteLength) controller.close()
            },
          },
          { highWaterMark: 0 },
        )
        return { info: infoOf(path, node), content: stream }
      },
      async write(root, path, content, options = {}) {
        const bytes = new Uint8Array(
          await new Response(content as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
        )
        tree.put(root, path, bytes, options.mode)
        return { size: bytes.byteLength }
      },
      async link(root, path, target) {
        tree.putLink(root, path, target)
      },
      async makeDirectory(root, path, options = {}) {
        const known = nodes[root].get(path)
        if (known === undefined) tree.putOther(root, path, "directory", options.mode)
        else if (options.mode !== undefined) known.mode = options.mode
      },
      async remove(root, path) {
        return nodes[root].delete(path)
      },
    },
  }
  return tree
}

export interface MemoryBlobs {
  readonly port: RunnerLink["blobs"]
  readonly content: Map<BlobHash, Uint8Array<ArrayBuffer>>
  /** Hashes asked for with `missing`, and those put. */
  readonly asked: BlobHash[]
  readonly puts: BlobHash[]
}

export function createMemoryBlobs(): MemoryBlobs {
  const content = new Map<BlobHash, Uint8Array<ArrayBuffer>>()
  const asked: BlobHash[] = []
  const puts: BlobHash[] = []
  return {
    content,
    asked,
    puts,
    port: {
      async missing(hashes) {
        asked.push(...hashes)
        return hashes.filter((hash) => !content.has(hash))
      },
      async put(hash, stream) {
        const bytes = new Uint8Array(
          await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
        )
        if (createHash("sha256").update(bytes).digest("hex") !== hash) {
          throw new AppError("bad_request", "The content is not that of the hash given.")
        }
        puts.push(hash)
        content.set(hash, bytes)
      },
      async get(hash) {
        const bytes = content.get(hash)
        return bytes === undefined ? null : new Blob([bytes]).stream()
      },
    },
  }
}

export async function hashContent(content: ReadableStream<Uint8Array>): Promise<BlobHash> {
  const hash = createHash("sha256")
  for await (const chunk of content) hash.update(chunk)
  return hash.digest("hex") as BlobHash
}
