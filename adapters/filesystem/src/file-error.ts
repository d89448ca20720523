import { AppError } from "@berth/core"

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code
}

/** A full disk as `storage_full`; every other error unchanged. */
export function translateError(error: unknown): unknown {
  if (!isCode(error, "ENOSPC") && !isCode(error, "EDQUOT")) return error
  return new AppError(
    "storage_full",
    "The disk is full: the content was not kept. Free space and send it again.",
    {
      cause: error,
    },
  )
}
