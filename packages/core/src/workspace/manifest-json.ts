import { isBlobHash } from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"
import type { FileRoot } from "../ports/sandbox-provider.ts"
import type { Manifest, ManifestEntry } from "./manifest.ts"

/** By root, then path, in code units: one order everywhere. */
export function compareEntries(
  first: { readonly root: FileRoot; readonly path: string },
  second: { readonly root: FileRoot; readonly path: string },
): number {
  if (first.root !== second.root) return first.root < second.root ? -1 : 1
  if (first.path === second.path) return 0
  return first.path < second.path ? -1 : 1
}

/** Canonical: sorted entries, keys in a fixed order, no spaces; equal trees give equal bytes. */
export function encodeManifest(entries: readonly ManifestEntry[]): Uint8Array<ArrayBuffer> {
  const sorted = entries.toSorted(compareEntries).map(orderKeys)
  return new TextEncoder().encode(JSON.stringify({ version: 1, entries: sorted } satisfies Manifest))
}

function orderKeys(entry: ManifestEntry): ManifestEntry {
  const { root, path, mode } = entry
  switch (entry.kind) {
    case "file":
      return { root, path, mode, kind: "file", hash: entry.hash, size: entry.size }
    case "symlink":
      return { root, path, mode, kind: "symlink", target: entry.target }
    case "directory":
      return { root, path, mode, kind: "directory" }
  }
}

/** `bad_params` for what is no manifest, with the index of the entry at fault. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const value = parseJson(bytes)
  if (!isRecord(value) || value["version"] !== 1 || !Array.isArray(value["entries"])) {
    throw new AppError("bad_params", "This blob is no manifest of version 1.")
  }
  return { version: 1, entries: value["entries"].map(decodeEntry) }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch (error) {
    throw new AppError("bad_params", "This blob is no manifest: it is not JSON.", { cause: error })
  }
}

function decodeEntry(value: unknown, index: number): ManifestEntry {
  const entry = isRecord(value) ? parseEntry(value) : null
  if (entry !== null) return entry
  throw new AppError("bad_params", `The manifest's entry ${index} is malformed.`, { details: { index } })
}

function parseEntry(value: Record<string, unknown>): ManifestEntry | null {
  const { root, path, mode, kind, hash, size, target } = value
  if ((root !== "workspace" && root !== "home") || !isPath(path) || !isCount(mode) || mode > 0o777)
    return null
  if (kind === "directory") return { root, path, mode, kind }
  if (kind === "symlink") return typeof target === "string" ? { root, path, mode, kind, target } : null
  if (kind !== "file" || typeof hash !== "string" || !isBlobHash(hash) || !isCount(size)) return null
  return { root, path, mode, kind, hash, size }
}

function isPath(value: unknown): value is string {
  if (typeof value !== "string" || value.includes("\0")) return false
  return value.split("/").every((name) => name !== "" && name !== "." && name !== "..")
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
