/** First byte and the one after the last. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Pure. A `Range` header over `size` bytes (RFC 9110, 14.2). Null when it is to be ignored: several
 * ranges, another unit, or not a range. `unsatisfiable` when none of its bytes exist.
 */
export function parseRange(header: string | null, size: number): ByteRange | "unsatisfiable" | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "")
  if (match === null) return null
  const [, first = "", last = ""] = match
  if (first === "" && last === "") return null
  if (first === "") {
    const length = Math.min(Number(last), size)
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size }
  }
  const start = Number(first)
  const end = last === "" ? size : Math.min(Number(last) + 1, size)
  if (last !== "" && Number(last) < start) return null
  return start < size ? { start, end } : "unsatisfiable"
}
