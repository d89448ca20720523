import type { AgentCatalog, Clock } from "@berth/core"
import { agentRecord, healthRecord } from "@berth/protocol"
import { z } from "zod"
import type { HealthReport } from "../api-options.ts"
import { addRoute, type Api } from "../http/add-route.ts"
import { renderDocs } from "./docs-page.ts"

const tag = "system"

/** What the server says of itself. */
export function addSystemRoutes(
  api: Api,
  options: {
    readonly version: string
    readonly clock: Clock
    readonly agents: AgentCatalog
    readonly health: () => Promise<HealthReport>
    readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  },
): void {
  const { version, clock, agents, health, metrics } = options

  addRoute(
    api,
    {
      method: "get",
      path: "/health",
      aliases: ["/api/health"],
      summary: "State of the server",
      tag,
      status: 200,
      response: healthRecord,
    },
    async (context) => {
      const { isolation, survivesRestart, checks } = await health()
      const isHealthy = Object.values(checks).every((check) => check.ok)
      return context.json({
        status: isHealthy ? "healthy" : "degraded",
        time: new Date(clock.now()).toISOString(),
        version,
        isolation,
        survives_restart: survivesRestart,
        checks,
      })
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/metrics",
      summary: "Counters in the Prometheus text format",
      tag,
      status: 200,
      response: "text/plain",
    },
    async () => {
      const { contentType, text } = await metrics()
      return new Response(text, { headers: { "content-type": contentType } })
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/api/agents",
      summary: "Agents this server knows",
      tag,
      status: 200,
      response: z.object({ agents: z.array(agentRecord), count: z.number() }),
    },
    async (context) => {
      const list = await agents.list()
      const records = list.map(({ name, title, description, isInstalled, isDefault, install }) => ({
        name,
        title,
        description,
        installed: isInstalled,
        default: isDefault,
        install,
      }))
      return context.json({ agents: records, count: records.length })
    },
  )
}

/** The description of all routes, and a page of it. To be called when all routes are there. */
export function addDescription(api: Api, version: string): void {
  let described: ReturnType<typeof describeApi> | null = null
  const description = (): ReturnType<typeof describeApi> => (described ??= describeApi(api, version))
  api.get("/openapi.json", (context) => context.json(description()))
  api.get("/docs", () => renderDocs(description()))
}

function describeApi(api: Api, version: string) {
  return api.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Berth", version, description: "Durable sessions for agents, each one an ordered log." },
    security: [{ key: [] }],
  })
}
