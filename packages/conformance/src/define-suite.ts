// The titles and bodies of tests are values here: the rules that look for literals cannot see them.
/* oxlint-disable vitest/valid-title, vitest/no-conditional-tests, vitest/expect-expect */
import { isAppError, type AppError } from "@berth/core"
import type { ErrorCode } from "@berth/protocol"
import { describe, expect, test } from "vitest"

/** A test that an adapter cannot pass, and why. One that would pass after all fails the build. */
export interface Skip {
  readonly test: string
  readonly reason: string
}

export interface SuiteOptions {
  readonly skips?: readonly Skip[]
  /** How many runs a property gets; fewer where a call is slow. Default 100. */
  readonly runs?: number
}

/** Closed after each test, whatever came of it. */
export interface Fixture {
  close(): Promise<void>
}

export type SuiteTests<Kind extends Fixture> = Readonly<
  Record<string, (fixture: Kind, runs: number) => Promise<void>>
>

/** Each test gets a fixture of its own from `open`. */
export function defineSuite<Kind extends Fixture>(
  title: string,
  tests: SuiteTests<Kind>,
  open: () => Promise<Kind>,
  options: SuiteOptions = {},
): void {
  const { skips = [], runs = 100 } = options
  describe(title, () => {
    for (const [name, run] of Object.entries(tests)) {
      const body = async (): Promise<void> => {
        const fixture = await open()
        try {
          await run(fixture, runs)
        } finally {
          await fixture.close()
        }
      }
      const skip = skips.find((candidate) => candidate.test === name)
      if (skip === undefined) test(name, body)
      else test.fails(`${name} (skipped: ${skip.reason})`, body)
    }
    test("every skip names a test", () => {
      const names = Object.keys(tests)
      expect(skips.filter((skip) => !names.includes(skip.test))).toEqual([])
    })
  })
}

/** Waits for a refusal, and answers it for a look at its details. */
export async function refusal(work: Promise<unknown>, code: ErrorCode): Promise<AppError> {
  const error = await work.then(
    () => new Error(`expected ${code}, but the call succeeded`),
    (reason: unknown) => reason,
  )
  if (isAppError(error, code)) return error
  throw new Error(`expected ${code}, got: ${String(error)}`, { cause: error })
}
