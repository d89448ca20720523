// First token through Berth ÷ the same real ACP agent run bare, both against the same stand-in model: cold (nothing
// runs yet) and warm (the session's agent is there).
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as delay } from "node:timers/promises"
import { knownAgents } from "@berth/core"
import { cachedAgent } from "../tests/agents/agent-cache.ts"
import { operatorKey, startAgentServer, type AgentServer } from "../tests/agents/agent-server.ts"
import { chunkText, isNotification } from "../tests/support/api-client.ts"
import { supervisorPids } from "../tests/support/server-process.ts"
import { openSse } from "./load/sse-reader.ts"
import { median } from "./load/statistics.ts"

const rounds = 7
const prompt = "[[say one two three]]"

/** From the start of the process until the first words. */
async function bareFirstToken(modelUrl: string): Promise<number> {
  const agent = await cachedAgent("claude")
  const home = mkdtempSync(join(tmpdir(), "bare-claude-"))
  const [, program = ""] = agent.argv
  const startedAt = performance.now()
  const child = spawn(process.execPath, [join(agent.directory, program)], {
    cwd: home,
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      ...knownAgents["claude"]?.program.env,
      PATH: process.env["PATH"],
      HOME: home,
      ANTHROPIC_BASE_URL: modelUrl,
      ANTHROPIC_API_KEY: operatorKey,
    },
  })
  const call = (id: number, method: string, params: unknown): void =>
    void child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`)
  const meta = knownAgents["claude"]?.program.meta?.untrusted
  const ms = await new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line) as { id?: number; result?: { sessionId?: string }; params?: unknown }
      if (message.id === 1) call(2, "session/new", { cwd: home, mcpServers: [], _meta: meta })
      if (message.id === 2) {
        const sessionId = message.result?.sessionId
        call(3, "session/prompt", { sessionId, prompt: [{ type: "text", text: prompt }] })
      }
      if (JSON.stringify(message.params ?? "").includes("agent_message_chunk"))
        resolve(performance.now() - startedAt)
    })
    call(1, "initialize", { protocolVersion: 1, clientCapabilities: {} })
  })
  // It ends by itself, with all it started, and only then is the next one measured.
  const exited = once(child, "exit")
  child.stdin.end()
  await exited
  rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  return ms
}

/** Opens a reader from `after` on; `at` is the time of its first words. */
async function firstWordsAt(
  server: AgentServer,
  id: string,
  after: string,
): Promise<{ readonly at: Promise<number> }> {
  const target = { port: Number(new URL(server.server.url).port), host: "127.0.0.1" }
  let seen: (at: number) => void = () => {}
  const arrived = new Promise<number>((resolve) => (seen = resolve))
  const reader = await openSse(target, `/api/sessions/${id}/sync?after=${after}`, {}, (text) => {
    if (!text.includes("agent_message_chunk")) return
    seen(performance.now())
    reader.close()
  })
  return { at: arrived }
}

async function coldFirstToken(server: AgentServer, id: string): Promise<number> {
  const startedAt = performance.now()
  await server.api.createSession({ id, agent: "claude", permissions: "auto", prompt })
  const words = await firstWordsAt(server, id, "0")
  return (await words.at) - startedAt
}

async function warmFirstToken(server: AgentServer, id: string): Promise<number> {
  const words = await firstWordsAt(server, id, "latest")
  const startedAt = performance.now()
  await server.api.prompt(id, prompt)
  return (await words.at) - startedAt
}

export async function firstTokenFigures(): Promise<Record<string, number>> {
  const server = await startAgentServer(["claude"])
  const bare: number[] = []
  const cold: number[] = []
  const warm: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await bareFirstToken(server.anthropic.url))
    const id = `bench-${round}`
    cold.push(await coldFirstToken(server, id))
    await server.api.waitFor(id, (entry) => isNotification(entry, "_berth/snapshot"))
    warm.push(await warmFirstToken(server, id))
    if (!(await server.api.log(id)).some((entry) => chunkText(entry)?.includes("one")))
      throw new Error("no words")
    await server.api.call("DELETE", `/api/sessions/${id}`)
    while (supervisorPids(server.server.dataDirectory).length > 0) await delay(50)
    // The next supervisor is started ahead, as it is on a server in use; it takes a moment.
    await delay(1000)
  }
  await server.stop()
  return {
    "bare first token ms": median(bare),
    "cold first token ms": median(cold),
    "warm first token ms": median(warm),
    "first token, cold ÷ bare": median(cold) / median(bare),
    "first token, warm ÷ bare": median(warm) / median(bare),
  }
}

if (import.meta.main) console.table(await firstTokenFigures())
