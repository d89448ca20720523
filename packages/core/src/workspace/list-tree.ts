import { limits } from "@berth/protocol"
import type { FileInfo, FileRoot, SandboxFiles } from "../ports/sandbox-provider.ts"
import { compileGlobs } from "./glob.ts"
import { staysInside } from "./link-target.ts"
import type { ManifestEntry } from "./manifest.ts"
import type { SkippedPaths } from "./skipped-paths.ts"

/** More would make a manifest that is a burden to everybody. */
const filesMax = 200_000

export interface TreeFile {
  readonly root: FileRoot
  readonly info: FileInfo
}

export interface TreeListing {
  /** Folders and symlinks: complete without reading anything. */
  readonly entries: readonly ManifestEntry[]
  readonly files: readonly TreeFile[]
}

/** What a snapshot will hold: the workspace but what `ignore` matches, and of the home what `memory` matches. */
export async function listTree(options: {
  readonly files: SandboxFiles
  readonly memory: readonly string[]
  readonly ignore: readonly string[]
  readonly skipped: SkippedPaths
}): Promise<TreeListing> {
  const { files, memory, skipped } = options
  const isMemory = compileGlobs(memory)
  const isIgnored = compileGlobs(options.ignore)
  const entries: ManifestEntry[] = []
  const listed: TreeFile[] = []

  const add = (root: FileRoot, info: FileInfo): void => {
    const { path, kind, mode } = info
    if (kind === "directory") {
      entries.push({ root, path, mode, kind })
    } else if (kind === "symlink") {
      const target = info.target ?? ""
      if (staysInside({ root, path }, target)) entries.push({ root, path, mode, kind, target })
      else skipped.add(root, path, "a symlink that leads out of the tree")
    } else if (kind === "other") {
      skipped.add(
        root,
        path,
        path.includes("\uFFFD") ? "its name is not UTF-8" : "a special file, or nested too deep",
      )
    } else if (info.size > limits.fileBytes) {
      skipped.add(root, path, `larger than ${limits.fileBytes} bytes`)
    } else if (listed.length >= filesMax) {
      skipped.add(root, path, `more than ${filesMax} files`)
    } else {
      listed.push({ root, info })
    }
  }

  for await (const info of files.walk("workspace")) if (!isIgnored(info.path)) add("workspace", info)
  if (memory.length > 0)
    for await (const info of files.walk("home")) if (isMemory(info.path)) add("home", info)
  return { entries, files: listed }
}
