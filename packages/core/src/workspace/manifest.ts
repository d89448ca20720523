import type { BlobHash } from "@berth/protocol"

/** One path of a snapshot. `root` is the workspace, or the agent's memory in its home. */
export type ManifestEntry = {
  readonly root: "workspace" | "home"
  readonly path: string
  readonly mode: number
} & (
  | { readonly kind: "file"; readonly hash: BlobHash; readonly size: number }
  | { readonly kind: "directory" }
  | { readonly kind: "symlink"; readonly target: string }
)

/** A snapshot's content, stored as a blob of JSON: sorted by root and path, so equal trees hash equally. */
export interface Manifest {
  readonly version: 1
  readonly entries: readonly ManifestEntry[]
}
