import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Clock, Logger, SandboxProvider } from "@berth/core"
import type { FolderProviderOptions } from "../folder-provider.ts"

/** The machine's time. */
export const testClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, options) => sleep(ms, undefined, options).catch(() => undefined),
}

export interface LoggedLine {
  readonly level: keyof Logger
  readonly message: string
}

/** A logger that keeps what it is told. */
export function createTestLogger(): Logger & { readonly lines: readonly LoggedLine[] } {
  const lines: LoggedLine[] = []
  const log = (level: keyof Logger) => (_fields: unknown, message: string) =>
    void lines.push({ level, message })
  return { lines, debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") }
}

export interface TestProvider {
  readonly provider: SandboxProvider
  readonly directory: string
  readonly logger: ReturnType<typeof createTestLogger>
  /** Destroys every sandbox; the folder stays for the next. */
  clear(): Promise<void>
  remove(): Promise<void>
}

/** A provider in a folder of its own. */
export function createTestProvider(
  create: (options: FolderProviderOptions) => SandboxProvider,
): TestProvider {
  const directory = mkdtempSync(join(tmpdir(), "berth-sandboxes-"))
  const logger = createTestLogger()
  const provider = create({ directory, logger, clock: testClock })
  const clear = async (): Promise<void> => {
    await Promise.all((await provider.list()).map(({ id }) => provider.destroy(id)))
  }
  return {
    provider,
    directory,
    logger,
    clear,
    async remove() {
      await clear()
      rmSync(directory, { recursive: true })
    },
  }
}
