import { mkdir, open } from "node:fs/promises"
import { dirname } from "node:path"
import { isCode } from "./file-error.ts"

/** A new name is safe only once its directory is synced too. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r")
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * Makes directories under `root` that survive loss of power. Each is made and synced once a process,
 * whoever asks: one that is there may be of a call, or of a process, that did not come to sync it.
 */
export function createDurableDirectories(root: string): (path: string) => Promise<void> {
  const made = new Map<string, Promise<void>>([[root, Promise.resolve()]])

  const make = async (path: string): Promise<void> => {
    const parent = dirname(path)
    await ensure(parent)
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (!isCode(error, "EEXIST")) throw error
    })
    await syncDirectory(parent)
  }
  const ensure = (path: string): Promise<void> => {
    const known = made.get(path)
    if (known !== undefined) return known
    const making = make(path).catch((error: unknown) => {
      made.delete(path)
      throw error
    })
    made.set(path, making)
    return making
  }
  return ensure
}
