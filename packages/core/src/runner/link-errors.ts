import type { ErrorCode } from "@berth/protocol"
import { AppError, isAppError } from "../errors/app-error.ts"

/** Somebody else holds the session, or it is gone: nothing more will be taken. */
const finalCodes: ReadonlySet<ErrorCode> = new Set([
  "stale_epoch",
  "log_closed",
  "session_replaced",
  "session_not_found",
  "not_found",
  "unauthenticated",
  "forbidden",
  "unsupported",
])

/** The log may take it later. */
const passingCodes: ReadonlySet<ErrorCode> = new Set([
  "unavailable",
  "internal",
  "upstream_failed",
  "rate_limited",
  "storage_full",
])

export function isFinal(error: unknown): boolean {
  return error instanceof AppError && finalCodes.has(error.code)
}

/** Whether the same call may succeed later. What is no AppError comes from a connection. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof AppError) || passingCodes.has(error.code)
}

/** Which entry of a batch was refused, when the log says so. */
export function refusedN(error: unknown): number | null {
  if (!(error instanceof AppError)) return null
  const n = error.details?.["n"]
  return typeof n === "number" ? n : null
}

/** Where the log wants the next batch to start, when it says that entries are missing. */
export function expectedN(error: unknown): number | null {
  if (!isAppError(error, "out_of_sequence")) return null
  const expected = error.details?.["expectedN"]
  return typeof expected === "number" ? expected : null
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
