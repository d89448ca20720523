/** Time, identity and words, passed in so that a simulation can replace them. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>
}

export interface Ids {
  /** 26 characters of lower-case base 32, sortable by time. */
  next(): string
}

export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}
