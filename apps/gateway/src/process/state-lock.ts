import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { AppError } from "@berth/core"

/**
 * One live gateway per state folder. SQLite holds the lock by `fcntl`, so it goes with the process,
 * however that ends. Throws `conflict` when another one holds it. Returns the release.
 */
export async function lockState(stateDirectory: string): Promise<() => void> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(stateDirectory, "lock.db"))
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")
  } catch (cause) {
    database.close()
    throw new AppError("conflict", `Another gateway is alive on ${stateDirectory}.`, { cause })
  }
  return () => database.close()
}
