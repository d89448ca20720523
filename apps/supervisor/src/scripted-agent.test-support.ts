import type { AgentProgram } from "@berth/core"

/**
 * An ACP agent for tests, as a program of one file. Each prompt is a word and its arguments:
 * `stream <count>` · `trickle <count>` · `write <path> <text>` · `read <path>` · `ask <title>` · `wait` (until cancelled) ·
 * `stuck` (deaf, with a child that outlives it) · `exit <code>` · `env <name>` · `boot` (which process is
 * this) · `tool <name> <JSON>` (calls a tool of ours over MCP) · `huge <MiB>` (one update of that size).
 */
const source = String.raw`
const fs = require("node:fs")
const { spawn } = require("node:child_process")
const boot = process.pid + "-" + Date.now()
const memory = process.env.HOME + "/.test-agent/"
let buffer = "", nextId = 1, cancel = () => {}, cancelled, sessionId = "", mcp = null
const waiting = new Map()
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n")
const say = (text) => send({ method: "session/update", params: { sessionId, update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } } } })
const ask = (method, params) => new Promise((resolve) => { const id = "a" + nextId++; waiting.set(id, resolve); send({ id, method, params }) })
const run = {
  stream: async (count) => { for (let i = 1; i <= Number(count); i += 1) { say("n" + i); if (i % 200 === 0) await new Promise(setImmediate) } },
  trickle: async (count) => { for (let i = 1; i <= Number(count); i += 1) { say("n" + i); await new Promise((resolve) => setTimeout(resolve, 5)) } },
  write: async (path, ...text) => { fs.mkdirSync(require("node:path").dirname(path), { recursive: true }); fs.writeFileSync(path, text.join(" ")); say("wrote " + path) },
  draft: async (...args) => { await run.write(...args); await run.wait() },
  read: async (path) => say("read " + (fs.existsSync(path) ? fs.readFileSync(path, "utf8") : "nothing")),
  ask: async (...title) => {
    const options = [{ optionId: "yes", name: "Allow", kind: "allow_once" }, { optionId: "no", name: "Reject", kind: "reject_once" }]
    const answer = await ask("session/request_permission", { sessionId, toolCall: { toolCallId: "t" + nextId, title: title.join(" "), kind: "execute" }, options })
    say("answer " + JSON.stringify(answer.outcome))
  },
  wait: async () => { say("waiting"); await cancelled },
  stuck: async () => { const child = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }); say("stuck with " + child.pid); await new Promise(() => {}) },
  exit: async (code) => { process.stderr.write("so long\n"); process.exit(Number(code)) },
  env: async (name) => say(name + "=" + process.env[name]),
  boot: async () => say("boot " + boot),
  huge: async (size) => say("x".repeat(Number(size) * 1024 * 1024)),
  tool: async (name, ...args) => {
    const child = spawn(mcp.command, mcp.args, { stdio: ["pipe", "pipe", "inherit"] })
    let text = "", resolve
    child.stdout.on("data", (data) => { text += data; for (const line of text.split("\n").slice(0, -1)) { const m = JSON.parse(line); if (m.id === 2) resolve(m) } })
    const post = (message) => child.stdin.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n")
    const answer = new Promise((done) => { resolve = done })
    post({ id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } } })
    post({ method: "notifications/initialized" })
    post(name === "list" ? { id: 2, method: "tools/list", params: {} } : { id: 2, method: "tools/call", params: { name, arguments: JSON.parse(args.join(" ")) } })
    say("tool " + JSON.stringify((await answer).result ?? "failed"))
    child.kill()
  },
}
async function prompt(text) {
  const promise = new Promise((resolve) => { cancel = () => resolve("cancelled") })
  cancelled = promise
  const [word, ...args] = text.trim().split(" ")
  if (run[word] === undefined) say("you said " + text)
  else await run[word](...args)
  const stopReason = await Promise.race([promise, "end_turn"])
  return { stopReason }
}
const open = (params) => { mcp = params.mcpServers[0]; return params }
const methods = {
  initialize: () => ({ protocolVersion: 1, agentCapabilities: { loadSession: true }, authMethods: [] }),
  "session/new": (params) => { open(params); sessionId = "c" + boot; fs.mkdirSync(memory, { recursive: true }); fs.writeFileSync(memory + sessionId, ""); return { sessionId } },
  "session/load": (params) => {
    open(params); sessionId = params.sessionId
    if (!fs.existsSync(memory + sessionId)) throw new Error("no such session")
    say("replayed"); return {}
  },
  "session/prompt": (params) => prompt(params.prompt.map((block) => block.text ?? "").join("")),
  "session/set_mode": () => ({}),
}
process.stdin.on("data", (data) => {
  buffer += data
  const lines = buffer.split("\n")
  buffer = lines.pop()
  for (const line of lines) {
    const { id, method, params, result } = JSON.parse(line)
    if (method === "session/cancel") cancel()
    else if (method === undefined) { waiting.get(id)?.(result); waiting.delete(id) }
    else Promise.resolve().then(() => methods[method](params)).then((value) => send({ id, result: value }), (error) => send({ id, error: { code: -32603, message: error.message } }))
  }
})
process.stdin.on("end", () => process.exit(0))
`

export const scriptedAgent: AgentProgram = {
  name: "scripted",
  argv: ["node", "-e", source],
  env: { FROM_AGENT: "agent" },
  programs: [],
  memory: [".test-agent/**"],
  upstreams: [],
  instructions: "prompt",
}
