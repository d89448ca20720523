import type { BlobHash } from "@berth/protocol"
import type { RunnerLink } from "./runner-link.ts"

export interface SpoolLine {
  readonly n: number
  /** The entry body's JSON. */
  readonly text: string
}

/**
 * What a runner keeps of entries that the log may not have yet, so that they survive its own sudden
 * end. A line that is kept twice counts as it was kept last.
 */
export interface Spool {
  /** Survives the end of this process when it resolves, not loss of power. */
  append(lines: readonly SpoolLine[]): Promise<void>
  /** The log has everything up to `n`. */
  trim(n: number): Promise<void>
  /** Content for a last snapshot when no log can be reached. */
  readonly blobs: RunnerLink["blobs"]
}

/** A spool that lives as long as the process: for simulations, and where losing it is stated. */
export function createMemorySpool(): Spool & { readonly lines: ReadonlyMap<number, string> } {
  const lines = new Map<number, string>()
  const blobs = new Map<BlobHash, Uint8Array<ArrayBuffer>>()
  return {
    lines,
    append: async (added) => {
      for (const { n, text } of added) lines.set(n, text)
    },
    trim: async (upTo) => {
      for (const n of lines.keys()) if (n <= upTo) lines.delete(n)
    },
    blobs: {
      missing: async (hashes) => hashes.filter((hash) => !blobs.has(hash)),
      put: async (hash, content) => {
        blobs.set(hash, new Uint8Array(await new Response(content).arrayBuffer()))
      },
      get: async (hash) => {
        const bytes = blobs.get(hash)
        return bytes === undefined ? null : new Blob([bytes]).stream()
      },
    },
  }
}
