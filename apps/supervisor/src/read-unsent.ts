import { createReadStream } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { Readable } from "node:stream"
import { isBlobHash, type BlobHash } from "@berth/protocol"
import type { UnsentEntry } from "@berth/core"
import { spoolBlobsName, spoolFileName } from "./file-spool.ts"

export type ImportBlob = (hash: BlobHash, content: ReadableStream<Uint8Array>) => Promise<void>

/**
 * What a dead supervisor's spool in `directory` (its stateDirectory) still holds, by ascending n without
 * repeats. A torn last line is passed over. With `importBlob`, content of a last snapshot is handed over
 * first; without it, the list ends before a snapshot whose content nobody else has.
 */
export async function readUnsent(
  directory: string,
  importBlob?: ImportBlob,
): Promise<readonly UnsentEntry[]> {
  const text = await readFile(join(directory, spoolFileName), "utf8").catch(emptyWhenAbsent)
  const byN = new Map<number, string>()
  for (const line of text.split("\n")) {
    const found = /^\{"n":(\d+),"body":(\{.*\})\}$/.exec(line)
    if (found?.[1] !== undefined && found[2] !== undefined) byN.set(Number(found[1]), found[2])
  }
  const entries = [...byN].map(([n, body]) => ({ n, text: body })).toSorted((left, right) => left.n - right.n)
  const hashes = (await readdir(join(directory, spoolBlobsName)).catch(noneWhenAbsent)).filter(isBlobHash)
  if (hashes.length === 0) return entries
  if (importBlob === undefined) return beforeAny(hashes, entries)
  for (const hash of hashes) {
    const content = Readable.toWeb(createReadStream(join(directory, spoolBlobsName, hash)))
    await importBlob(hash, content as ReadableStream<Uint8Array>)
  }
  return entries
}

function beforeAny(hashes: readonly BlobHash[], entries: readonly UnsentEntry[]): readonly UnsentEntry[] {
  const at = entries.findIndex(({ text }) => hashes.some((hash) => text.includes(hash)))
  return at === -1 ? entries : entries.slice(0, at)
}

function emptyWhenAbsent(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return ""
  throw error
}

function noneWhenAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return []
  throw error
}
