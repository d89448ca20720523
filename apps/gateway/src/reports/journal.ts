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
  let jobs: Job[] = []
  let working: Promise<void> | null = null

  /** A write failed halfway, so that its last line has no end. */
  let isTorn = false

  async function write(batch: readonly Job[]): Promise<void> {
    const text = (isTorn ? "\n" : "") + toText(batch.flatMap((job) => job.lines()))
    isTorn = true
    await file.appendFile(text)
    isTorn = false
    sizeBytes += Buffer.byteLength(text)
    if (batch.some((job) => job.kind === "synced")) await file.datasync()
  }

  async function replace(job: Job): Promise<void> {
    const text = toText(job.lines())
    const next = await replaceFile(path, text)
    await file.close()
    file = next
    isTorn = false
    sizeBytes = Buffer.byteLength(text)
  }

  async function work(): Promise<void> {
    while (jobs.length > 0) {
      const rewriteAt = jobs.findIndex((job) => job.kind === "rewrite")
      const batch = jobs.splice(0, rewriteAt < 0 ? jobs.length : Math.max(1, rewriteAt))
      const [first] = batch
      try {
        await (first?.kind === "rewrite" ? replace(first) : write(batch))
        for (const job of batch) job.resolve()
      } catch (error) {
        for (const job of batch) job.reject(error)
      }
    }
    working = null
  }

  function enqueue(kind: Job["kind"], lines: Job["lines"]): Promise<void> {
    return new Promise((resolve, reject) => {
      jobs.push({ kind, lines, resolve, reject })
      working ??= work()
    })
  }

  return {
    get sizeBytes() {
      return sizeBytes
    },
    append: (lines, { isSynced }) => enqueue(isSynced ? "synced" : "append", () => lines),
    rewrite: (lines) => enqueue("rewrite", lines),
    async close() {
      while (working !== null) await working
      jobs = []
      await file.close()
    },
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
