import { defineSuite, type SuiteOptions } from "./define-suite.ts"
import { sandboxFileTests } from "./sandbox-file-tests.ts"
import type { SandboxFixture } from "./sandbox-fixture.ts"
import { sandboxLifeTests } from "./sandbox-life-tests.ts"
import { sandboxLimitTests } from "./sandbox-limit-tests.ts"
import { sandboxProcessTests } from "./sandbox-process-tests.ts"

/** Sandboxes with a shell, the usual small programs and `node` inside. No sandbox is left by a test before. */
export function sandboxProviderSuite(
  name: string,
  open: () => Promise<SandboxFixture>,
  options: SuiteOptions = {},
): void {
  const tests = { ...sandboxLifeTests, ...sandboxProcessTests, ...sandboxFileTests, ...sandboxLimitTests }
  defineSuite(`SandboxProvider: ${name}`, tests, open, options)
}
