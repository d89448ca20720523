import { defineConfig } from "vitest/config"

/**
 * unit         beside the source, no process of ours, no sandbox
 * conformance  *.conformance.test.ts: a port's suite over one adapter
 * integration  tests/ and *.integration.test.ts: real processes, sandboxes, agents, browser; the drills
 *
 * `npm run check` runs the first two, `npm test` all. A test that cannot run here calls
 * `context.skip("missing: <capability>")` with a name of scripts/capabilities.mjs.
 */
const folders = "{packages,adapters,apps,agents,scripts,benchmarks}"
const shared = { pool: "forks" as const, environment: "node", passWithNoTests: true }

export default defineConfig({
  test: {
    reporters: ["default"],
    slowTestThreshold: 2_000,
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: [`${folders}/**/*.test.ts`],
          exclude: ["**/node_modules/**", "**/*.conformance.test.ts", "**/*.integration.test.ts"],
          testTimeout: 10_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          ...shared,
          name: "conformance",
          include: [`${folders}/**/*.conformance.test.ts`],
          exclude: ["**/node_modules/**"],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          ...shared,
          name: "integration",
          include: ["tests/**/*.test.ts", `${folders}/**/*.integration.test.ts`],
          exclude: ["**/node_modules/**"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Drills start servers, sandboxes and browsers: side by side they would measure each other.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
