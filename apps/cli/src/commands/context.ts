import type { BerthApi } from "../api/berth-api.ts"
import type { Config } from "../config.ts"
import type { Terminal } from "../terminal/terminal.ts"

/** What every command works with. */
export interface CommandContext {
  readonly api: BerthApi
  readonly config: Config
  readonly terminal: Terminal
}
