import { expect } from "vitest"

/** Matchers for parts of a value, typed as what they are to the compiler: anything. */
export const aString: unknown = expect.any(String)
export const anObject: unknown = expect.any(Object)
export const aBoolean: unknown = expect.any(Boolean)

export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}

export function containing(items: readonly unknown[]): unknown {
  return expect.arrayContaining([...items])
}
