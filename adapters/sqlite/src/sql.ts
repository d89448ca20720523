/** What the SQL adapters need of SQLite, small enough that a Durable Object's storage has it too. */
export interface Sql {
  prepare(text: string): SqlStatement
  /** Runs statements without parameters or rows. */
  exec(text: string): void
  /**
   * All of `work` or nothing: rolls back and throws on when it throws. On return the changes have
   * survived loss of power, or nobody outside hears of them before they have (Durable Objects).
   */
  transaction<Result>(work: () => Result): Result
}

/** Kept and used again by its owner; positional parameters (`?1`, `?2`). */
export interface SqlStatement {
  run(...values: readonly SqlValue[]): void
  /** Rows as arrays, in the order of the columns. */
  all(...values: readonly SqlValue[]): readonly SqlRow[]
}

export type SqlValue = string | number | null
export type SqlRow = readonly SqlValue[]

/** A column that the schema declares as text. */
export function textOf(value: SqlValue | undefined): string {
  if (typeof value === "string") return value
  throw new TypeError(`expected text in a row, got ${typeof value}`)
}

/** A column that the schema declares as integer. */
export function numberOf(value: SqlValue | undefined): number {
  if (typeof value === "number") return value
  throw new TypeError(`expected a number in a row, got ${typeof value}`)
}

/** A column that may be null. */
export function textOrNull(value: SqlValue | undefined): string | null {
  return value === null ? null : textOf(value)
}
