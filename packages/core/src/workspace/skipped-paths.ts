import type { FileRoot } from "../ports/sandbox-provider.ts"

/** As many are named; all are counted. */
const listMax = 100

export interface SkippedPath {
  /** Below the workspace, or `~/` and below the home. */
  readonly path: string
  readonly reason: string
}

/** What is not in a snapshot, or could not be restored. */
export interface SkippedPaths {
  readonly list: readonly SkippedPath[]
  readonly count: number
  add(root: FileRoot, path: string, reason: string): void
}

export function createSkippedPaths(): SkippedPaths {
  const list: SkippedPath[] = []
  let count = 0
  return {
    list,
    get count() {
      return count
    },
    add(root, path, reason) {
      count += 1
      if (list.length < listMax) list.push({ path: root === "home" ? `~/${path}` : path, reason })
    },
  }
}
