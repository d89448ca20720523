import type { Manifest, ManifestEntry } from "./manifest.ts"
import { compareEntries } from "./manifest-json.ts"

export interface ManifestDiff {
  readonly added: readonly ManifestEntry[]
  /** Same path, other content, kind, target or mode. */
  readonly changed: readonly { readonly before: ManifestEntry; readonly after: ManifestEntry }[]
  readonly removed: readonly ManifestEntry[]
}

/** What leads from one tree to the other. Both sorted, as `encodeManifest` writes them. */
export function diffManifests(before: Manifest, after: Manifest): ManifestDiff {
  const added: ManifestEntry[] = []
  const changed: { before: ManifestEntry; after: ManifestEntry }[] = []
  const removed: ManifestEntry[] = []
  let left = 0
  let right = 0
  for (;;) {
    const old = before.entries[left]
    const now = after.entries[right]
    if (old === undefined && now === undefined) return { added, changed, removed }
    const order = old === undefined ? 1 : now === undefined ? -1 : compareEntries(old, now)
    if (order < 0 && old !== undefined) removed.push(old)
    if (order > 0 && now !== undefined) added.push(now)
    if (order === 0 && old !== undefined && now !== undefined && !isSame(old, now)) {
      changed.push({ before: old, after: now })
    }
    if (order <= 0) left += 1
    if (order >= 0) right += 1
  }
}

function isSame(first: ManifestEntry, second: ManifestEntry): boolean {
  if (first.kind !== second.kind || first.mode !== second.mode) return false
  if (first.kind === "file" && second.kind === "file") return first.hash === second.hash
  if (first.kind === "symlink" && second.kind === "symlink") return first.target === second.target
  return true
}
