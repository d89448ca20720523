/** Whether `error` is of the operating system, with one of `codes` ("ENOENT", …). */
export function hasErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && codes.includes(String(error.code))
}
