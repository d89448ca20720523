/** Who may import whom (docs/ARCHITECTURE.md, "Layers"). One row per folder; the first that fits a file holds. */
export interface Layer {
  /** Matched against the file's path from the root, with `/`. */
  readonly files: RegExp
  /** Packages of ours that these files may import, `*` for all. */
  readonly own: readonly string[] | "*"
  /** Other packages: a closed list, or those that the workspace's package.json lists. */
  readonly external: readonly string[] | "declared"
  /** Whether `node:*` may be imported. */
  readonly node: boolean
}

const testTools = ["@berth/conformance", "@berth/memory"]

export const layers: readonly Layer[] = [
  {
    files: /^packages\/protocol\/.*\.test(-support)?\.ts$/,
    own: [],
    external: ["zod", "vitest", "fast-check"],
    node: true,
  },
  { files: /^packages\/protocol\//, own: [], external: ["zod"], node: false },
  {
    files: /^packages\/core\/.*\.test(-support)?\.ts$/,
    own: ["@berth/protocol", ...testTools],
    external: ["zod", "vitest", "fast-check"],
    node: true,
  },
  { files: /^packages\/core\//, own: ["@berth/protocol"], external: [], node: false },
  {
    files: /^packages\/api\/.*\.test(-support)?\.ts$/,
    own: ["@berth/protocol", "@berth/core", ...testTools],
    external: "declared",
    node: true,
  },
  { files: /^packages\/api\//, own: ["@berth/protocol", "@berth/core"], external: "declared", node: false },
  {
    files: /^packages\/conformance\//,
    own: ["@berth/protocol", "@berth/core", "@berth/client", "@berth/memory"],
    external: "declared",
    node: false,
  },
  {
    files: /^adapters\/[^/]+\/.*\.test(-support)?\.ts$/,
    own: ["@berth/protocol", "@berth/core", ...testTools],
    external: "declared",
    node: true,
  },
  { files: /^adapters\/memory\//, own: ["@berth/protocol", "@berth/core"], external: [], node: false },
  { files: /^adapters\//, own: ["@berth/protocol", "@berth/core"], external: "declared", node: true },
  { files: /^agents\//, own: ["@berth/protocol"], external: "declared", node: true },
  { files: /^apps\//, own: "*", external: "declared", node: true },
  { files: /^(scripts|tests|benchmarks)\//, own: "*", external: "declared", node: true },
]

/** File names that say nothing of what is inside. */
export const emptyNames = /^(utils?|helpers?|types?|common|misc|shared|constants)\.[cm]?[jt]sx?$/
