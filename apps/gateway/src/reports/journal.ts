import { open, readFile, rename, type FileHandle } from "node:fs/promises"
import { dirname } from "node:path"

/** A file of lines. Writes keep their order; those that come together share one sync. */
export interface Journal {
  readonly sizeBytes: number
  /** Resolves when the lines survive the end of this process or, with `isSynced`, loss of power. */
  append(lines: readonly string[], options: { readonly isSynced: boolean }): Promise<void>
  /** Puts `lines()`, read when its turn has come, in the place of all lines. Atomic. */
  rewrite(lines: () => readonly string[]): Promise<void>
  close(): Promise<void>
}

interface Job {
  readonly lines: () => readonly string[]
  readonly kind: "append" | "synced" | "rewrite"
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The lines of the file, a torn last one left out; none when there is no file. */
export async function readJournal(path: string): Promise<readonly string[]> {
  try {
    const text = await readFile(path, "utf8")
    return text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line !== "")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return []
    throw error
  }
}

export async function openJournal(path: string): Promise<Journal> {
  let file = await open(path, "a", 0o600)
  let sizeBytes = (await file.stat()).size
  const jobs: Job[] = []
  let writing: Promise<void> | null = null
  /** Written, and not yet known to be on the disk. */
  let unsynced: Job[] = []
  let syncing: Promise<void> | null = null
  /** A write failed halfway, so that its last line has no end. */
  let isTorn = false

  async function append(batch: readonly Job[]): Promise<void> {
    const text = (isTorn ? "\n" : "") + toText(batch.flatMap((job) => job.lines()))
    isTorn = true
    await file.appendFile(text)
    isTorn = false
    sizeBytes += Buffer.byteLength(text)
    for (const job of batch) {
      if (job.kind === "synced") unsynced.push(job)
      else job.resolve()
    }
    // Apart from the writes: a call that is about to be made does not wait for the last one's sync.
    if (unsynced.length > 0) syncing ??= sync()
  }

  async function sync(): Promise<void> {
    while (unsynced.length > 0) {
      const batch = unsynced
      unsynced = []
      await settle(batch, () => file.datasync())
    }
    syncing = null
  }

  async function replace(job: Job): Promise<void> {
    await syncing
    const text = toText(job.lines())
    const next = await replaceFile(path, text)
    await file.close()
    file = next
    isTorn = false
    sizeBytes = Buffer.byteLength(text)
    job.resolve()
  }

  async function write(): Promise<void> {
    while (jobs.length > 0) {
      const rewriteAt = jobs.findIndex((job) => job.kind === "rewrite")
      const batch = jobs.splice(0, rewriteAt < 0 ? jobs.length : Math.max(1, rewriteAt))
      const [first] = batch
      try {
        await (first?.kind === "rewrite" ? replace(first) : append(batch))
      } catch (error) {
        for (const job of batch) job.reject(error)
      }
    }
    writing = null
  }

  function enqueue(kind: Job["kind"], lines: Job["lines"]): Promise<void> {
    return new Promise((resolve, reject) => {
      jobs.push({ kind, lines, resolve, reject })
      writing ??= write()
    })
  }

  return {
    get sizeBytes() {
      return sizeBytes
    },
    append: (lines, { isSynced }) => enqueue(isSynced ? "synced" : "append", () => lines),
    rewrite: (lines) => enqueue("rewrite", lines),
    async close() {
      while (writing !== null) await writing
      while (syncing !== null) await syncing
      await file.close()
    },
  }
}

async function settle(batch: readonly Job[], work: () => Promise<void>): Promise<void> {
  try {
    await work()
    for (const job of batch) job.resolve()
  } catch (error) {
    for (const job of batch) job.reject(error)
  }
}

/** Replaces the file at once, durably, and opens it for more. */
async function replaceFile(path: string, text: string): Promise<FileHandle> {
  const next = await open(`${path}.new`, "w", 0o600)
  try {
    await next.writeFile(text)
    await next.datasync()
  } finally {
    await next.close()
  }
  await rename(`${path}.new`, path)
  const folder = await open(dirname(path), "r")
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
  return open(path, "a", 0o600)
}

function toText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("")
}
