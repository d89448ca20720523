import { AppError, isAppError } from "@berth/core"

const sqliteFull = 13

/** What an error of SQLite means to a caller. Ours pass unchanged. */
export function translateError(error: unknown): AppError {
  if (isAppError(error)) return error
  if (isDiskFull(error)) {
    return new AppError("storage_full", "The disk is full: nothing was written. Free space and try again.", {
      cause: error,
    })
  }
  return new AppError("internal", "The database refused a write. See the server's log.", { cause: error })
}

/** `node:sqlite` has the number; a Durable Object only the words. */
function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ("errcode" in error && typeof error.errcode === "number") return (error.errcode & 0xff) === sqliteFull
  return error.message.includes("SQLITE_FULL")
}
