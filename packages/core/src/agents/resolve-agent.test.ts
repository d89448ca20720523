import { expect, test } from "vitest"
import { describeAgents, resolveAgent, type AgentPlaces } from "./resolve-agent.ts"

const claude = {
  name: "claude",
  version: "1.0.0",
  argv: ["node", "node_modules/claude/dist/index.js"],
  directory: "/data/agents/claude",
}
const opencode = {
  name: "opencode",
  version: "1.0.0",
  argv: ["node_modules/opencode/bin/opencode", "acp"],
  directory: "/data/agents/opencode",
}
const places: AgentPlaces = {
  nodePath: "/opt/berth/node/bin/node",
  shellPath: "/app/dist/shell.js",
  installed: [claude, opencode],
}

test("an installed agent is shown read-only, and started from there", () => {
  expect(resolveAgent("claude", places)).toMatchObject({
    name: "claude",
    argv: ["/opt/berth/node/bin/node", "/opt/berth/agents/claude/node_modules/claude/dist/index.js"],
    programs: [{ source: "/data/agents/claude", target: "/opt/berth/agents/claude" }],
    upstreams: ["anthropic"],
    memory: [".claude/projects/**"],
  })
  expect(resolveAgent("opencode", places).argv).toEqual([
    "/opt/berth/agents/opencode/node_modules/opencode/bin/opencode",
    "acp",
  ])
})

test("the shell is always there", () => {
  expect(resolveAgent("shell", { ...places, installed: [] })).toMatchObject({
    argv: ["/opt/berth/node/bin/node", "/opt/berth/agents/shell/shell.js"],
    programs: [{ source: "/app/dist", target: "/opt/berth/agents/shell" }],
    upstreams: [],
  })
})

test("a workspace that is not trusted configures nothing", () => {
  expect(resolveAgent("claude", places).meta?.untrusted).toEqual({
    claudeCode: { options: { settingSources: [] } },
  })
})

test("a program of the caller's own runs as it is, without upstreams", () => {
  expect(resolveAgent({ argv: ["/usr/bin/env", "python3"], env: { A: "1" } }, places)).toEqual({
    name: "custom",
    argv: ["/usr/bin/env", "python3"],
    env: { A: "1" },
    programs: [],
    memory: [],
    upstreams: [],
    instructions: "prompt",
  })
})

test("an absent agent says what to do", () => {
  expect(() => resolveAgent("codex", places)).toThrow("berth agents add codex")
  expect(() => resolveAgent("nobody", places)).toThrow("There is no agent nobody")
  expect(() => resolveAgent("constructor", places)).toThrow("There is no agent constructor")
})

test("the default is an agent with a key, else the shell", () => {
  const defaultOf = (options: Partial<Parameters<typeof describeAgents>[0]>) =>
    describeAgents({ installed: [], upstreams: [], defaultAgent: null, ...options })
      .filter((agent) => agent.isDefault)
      .map((agent) => agent.name)
  expect(defaultOf({})).toEqual(["shell"])
  expect(defaultOf({ installed: [claude] })).toEqual(["shell"])
  expect(defaultOf({ upstreams: ["anthropic"] })).toEqual(["shell"])
  expect(defaultOf({ installed: [claude], upstreams: ["anthropic"] })).toEqual(["claude"])
  expect(defaultOf({ defaultAgent: "codex" })).toEqual(["codex"])
  expect(() => defaultOf({ defaultAgent: "nobody" })).toThrow("nobody")
})

test("what is not installed says how to install it", () => {
  const agents = describeAgents({ installed: [claude], upstreams: [], defaultAgent: null })
  const installs = Object.fromEntries(agents.map((agent) => [agent.name, agent.install]))
  expect(installs).toEqual({
    shell: null,
    claude: null,
    codex: "berth agents add codex",
    gemini: "berth agents add gemini",
    opencode: "berth agents add opencode",
  })
})
