import type { Sql, SqlRow } from "./sql.ts"

/** The part of `ctx.storage` in use, spelled out so that this package needs no Cloudflare types. */
export interface DurableObjectStorage {
  readonly sql: {
    exec(text: string, ...values: unknown[]): { raw(): Iterable<unknown> }
  }
  transactionSync<Result>(work: () => Result): Result
}

/**
 * A Durable Object's SQLite. Its statements are cached by the runtime; and its output gate holds
 * every answer back until the writes before it are safe, so nobody hears of one that is not.
 */
export function createDurableObjectSql(storage: DurableObjectStorage): Sql {
  return {
    prepare: (text) => ({
      run: (...values) => void storage.sql.exec(text, ...values),
      all: (...values) => [...storage.sql.exec(text, ...values).raw()] as SqlRow[],
    }),
    exec: (text) => void storage.sql.exec(text),
    transaction: (work) => storage.transactionSync(work),
  }
}
