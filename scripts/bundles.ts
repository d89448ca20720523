/** A program of ours: its entry, and the name of its bundle in dist/. */
export interface Bundle {
  readonly name: string
  readonly entry: string
  /** Folders that the program reads beside itself: `new URL("./<folder>/…", import.meta.url)`. */
  readonly assets?: readonly string[]
}

/** Each becomes one file that needs no node_modules: quick to load, and easy to show inside a sandbox. */
export const bundles: readonly Bundle[] = [
  { name: "server", entry: "apps/server/src/main.ts", assets: ["apps/server/src/page"] },
  { name: "supervisor", entry: "apps/supervisor/src/main.ts" },
  { name: "gateway", entry: "apps/gateway/src/main.ts" },
  { name: "cli", entry: "apps/cli/src/main.ts" },
  { name: "shell", entry: "agents/shell/src/main.ts" },
]
