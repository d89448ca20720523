import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { agentPackages } from "./agent-packages.ts"
import { installAgent, removeAgent } from "./install-agent.ts"
import { listInstalledAgents, readInstalledAgent } from "./installed-agent.ts"

let dataDirectory = ""
beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), "berth-agents-"))
})
afterEach(() => {
  rmSync(dataDirectory, { recursive: true })
})

const now = () => new Date("2026-01-01T00:00:00.000Z")

/** Puts down what npm would. */
function fakeNpm(manifest: object, program: string, content: string) {
  return (words: readonly string[]): Promise<void> => {
    const prefix = words[words.indexOf("--prefix") + 1] ?? ""
    const name = words.at(-1)?.replace(/@[^@]*$/, "") ?? ""
    const folder = join(prefix, "node_modules", name)
    mkdirSync(folder, { recursive: true })
    mkdirSync(dirname(join(folder, program)), { recursive: true })
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
    writeFileSync(join(folder, program), content)
    return Promise.resolve()
  }
}

test("an agent is there as a whole, with how to start it", async () => {
  const npm = fakeNpm({ version: "0.100.0", bin: "dist/index.js" }, "dist/index.js", "#!/usr/bin/env node\n")
  const installed = await installAgent({ name: "claude", dataDirectory, npm, now })
  expect(installed).toEqual({
    name: "claude",
    version: "0.100.0",
    argv: ["node", "node_modules/@agentclientprotocol/claude-agent-acp/dist/index.js"],
    installedAt: "2026-01-01T00:00:00.000Z",
  })
  expect(readInstalledAgent(dataDirectory, "claude")).toEqual(installed)
  await installAgent({ name: "claude", dataDirectory, npm, now })
  expect(readdirSync(join(dataDirectory, "agents"))).toEqual(["claude"])
  expect(listInstalledAgents(dataDirectory).map(({ name }) => name)).toEqual(["claude"])
  expect(removeAgent(dataDirectory, "claude")).toBe(true)
  expect(removeAgent(dataDirectory, "claude")).toBe(false)
})

test("a program of its own kind is started by itself", async () => {
  const native = `opencode-${process.platform}-${process.arch}/bin/opencode`
  const npm = fakeNpm({ version: "1.18.33", bin: { opencode: "x.exe" } }, `../${native}`, "\u007fELF")
  const { argv } = await installAgent({ name: "opencode", dataDirectory, npm, now })
  expect(argv).toEqual([`node_modules/${native}`, "acp"])
  const none = fakeNpm({ version: "1.18.33", bin: { opencode: "x.exe" } }, "x.exe", "echo no")
  await expect(installAgent({ name: "opencode", dataDirectory, npm: none, now })).rejects.toThrow(
    /no program for/,
  )
})

test("a failure leaves what was there before", async () => {
  const npm = fakeNpm({ version: "0.100.0", bin: "dist/index.js" }, "dist/index.js", "")
  await installAgent({ name: "claude", dataDirectory, npm, now })
  const other = fakeNpm({ version: "0.99.0", bin: "dist/index.js" }, "dist/index.js", "")
  await expect(installAgent({ name: "claude", dataDirectory, npm: other, now })).rejects.toThrow(
    /not 0.100.0/,
  )
  const broken = () => Promise.reject(new Error("no network"))
  await expect(installAgent({ name: "claude", dataDirectory, npm: broken, now })).rejects.toThrow(
    "no network",
  )
  expect(readInstalledAgent(dataDirectory, "claude")?.version).toBe("0.100.0")
  expect(readdirSync(join(dataDirectory, "agents"))).toEqual(["claude"])
})

test("only known agents are installed or removed", async () => {
  const npm = () => Promise.resolve()
  await expect(installAgent({ name: "../x", dataDirectory, npm, now })).rejects.toThrow(/claude, codex/)
  expect(() => removeAgent(dataDirectory, "..")).toThrow(/claude, codex/)
  expect(existsSync(dataDirectory)).toBe(true)
})

test("every version is exact", () => {
  for (const { version } of Object.values(agentPackages)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
})
