import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import type { Entry } from "@berth/protocol"
import { createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { cachedAgent } from "./agent-cache.ts"
import { startAnthropicStandIn } from "./anthropic-stand-in.ts"
import { startOpenaiStandIn } from "./openai-stand-in.ts"
import type { StandIn } from "./stand-in.ts"

/** What the stand-ins take, and no sandbox, log or answer may ever show. */
export const operatorKey = "sk-operators-own-key-7f3a"

export interface AgentServer {
  readonly server: ServerProcess
  readonly api: ApiClient
  readonly anthropic: StandIn
  readonly openai: StandIn
  stop(): Promise<void>
}

/** The built server with real agents installed, whose models are stand-ins that want the operator's key. */
export async function startAgentServer(names: readonly string[]): Promise<AgentServer> {
  const agents = await Promise.all(names.map(cachedAgent))
  const anthropic = await startAnthropicStandIn({ key: operatorKey })
  const openai = await startOpenaiStandIn({ key: operatorKey })
  const server = await startServerProcess({
    env: {
      ANTHROPIC_API_KEY: operatorKey,
      BERTH_UPSTREAM_ANTHROPIC_URL: anthropic.url,
      OPENAI_API_KEY: operatorKey,
      BERTH_UPSTREAM_OPENAI_URL: openai.url,
    },
  })
  const folder = join(server.dataDirectory, "agents")
  mkdirSync(folder, { recursive: true })
  for (const { name, directory } of agents) symlinkSync(directory, join(folder, name))
  return {
    server,
    api: createApiClient(server.url),
    anthropic,
    openai,
    async stop() {
      await server.stop()
      await Promise.all([anthropic.close(), openai.close()])
    },
  }
}

/** The agent's words in a log after `seq`: its messages, or its thoughts. */
export function wordsOf(
  entries: readonly Entry[],
  after = 0,
  kind: "agent_message_chunk" | "agent_thought_chunk" = "agent_message_chunk",
): string {
  return entries
    .filter((entry) => entry.seq > after)
    .map((entry) => {
      if (entry.type !== "notification" || entry.notification.method !== "session/update") return ""
      const { update } = entry.notification.params
      if (update.sessionUpdate !== kind) return ""
      const { text } = update.content as { readonly text?: unknown }
      return typeof text === "string" ? text : ""
    })
    .join("")
}

export function countOf(
  entries: readonly Entry[],
  method: string,
  params: Record<string, unknown> = {},
): number {
  return entries.filter((entry) => isNotification(entry, method, params)).length
}
