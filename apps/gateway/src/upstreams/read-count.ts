/** A count as an upstream tells it; 0 when it is absent or no count. */
export function readCount(source: unknown, ...keys: readonly string[]): number {
  let value = source
  for (const key of keys) {
    if (typeof value !== "object" || value === null) return 0
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0
}
