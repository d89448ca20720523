export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  if (value === undefined) throw new Error("no values were measured")
  return value
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)
