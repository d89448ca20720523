import { z } from "zod"
import { sessionIdPattern } from "./ids.ts"
import { jsonValue } from "./json-value.ts"

/** Agents and sessions as clients name them: `execution-api.md` and `sync-and-events.md`. */
export const permissionRule = z.object({
  tool: z.string().min(1).max(256),
  /** Matched against the tool's title or command: `*` stands for any characters. */
  pattern: z.string().max(4096).optional(),
  action: z.enum(["allow", "ask", "deny"]),
})
export const permissionPolicy = z.union([
  z.literal("ask"),
  z.literal("auto"),
  z.array(permissionRule).max(200),
])
export type PermissionPolicy = z.infer<typeof permissionPolicy>

const hostPattern = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i
export const networkPolicy = z.union([
  z.literal("none"),
  z.literal("all"),
  z.object({ allow: z.array(z.string().max(253).regex(hostPattern)).max(200) }),
])
export type NetworkPolicy = z.infer<typeof networkPolicy>

export const environment = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(32_768))
  .refine((env) => Object.keys(env).length <= 256, "at most 256 variables")

export const sandboxLimits = z.object({
  memory_mib: z.number().int().min(16).max(262_144).optional(),
  cpu: z.number().min(0.1).max(256).optional(),
  pids: z.number().int().min(8).max(65_536).optional(),
  disk_mib: z.number().int().min(1).max(1_048_576).optional(),
})

export const budget = z.object({
  tokens: z.number().int().positive().optional(),
  usd: z.number().positive().optional(),
  seconds: z.number().positive().optional(),
})
export type Budget = z.infer<typeof budget>

export const agentChoice = z.union([
  z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/),
  z.object({
    argv: z.array(z.string().min(1).max(4096)).min(1).max(64),
    env: environment.optional(),
  }),
])
export type AgentChoice = z.infer<typeof agentChoice>

const metadata = z.record(z.string().max(256), jsonValue)

export const createSessionRequest = z.object({
  id: z.string().regex(sessionIdPattern).optional(),
  session_id: z.string().regex(sessionIdPattern).optional(),
  agent: agentChoice.optional(),
  model: z.string().max(256).optional(),
  mode: z.string().max(256).optional(),
  instructions: z.string().max(100_000).optional(),
  permissions: permissionPolicy.optional(),
  trust_workspace: z.boolean().optional(),
  network: networkPolicy.optional(),
  allowInternetAccess: z.boolean().optional(),
  budget: budget.optional(),
  /** Seconds without work until the sandbox is snapshotted and given back. */
  idle_timeout: z
    .number()
    .positive()
    .max(7 * 86_400)
    .optional(),
  /** Seconds for which an unanswered permission holds the agent's process. */
  permission_hold: z
    .number()
    .positive()
    .max(7 * 86_400)
    .optional(),
  title: z.string().max(1024).optional(),
  metadata: metadata.optional(),
  env: environment.optional(),
  limits: sandboxLimits.optional(),
  /** A first prompt, submitted with the session. */
  prompt: z.string().min(1).max(1_000_000).optional(),
})
export type CreateSessionRequest = z.infer<typeof createSessionRequest>

export const updateSessionRequest = z.object({
  title: z.string().max(1024).optional(),
  metadata: metadata.optional(),
  network: networkPolicy.optional(),
  allowInternetAccess: z.boolean().optional(),
  permissions: permissionPolicy.optional(),
  budget: budget.optional(),
  idle_timeout: z
    .number()
    .positive()
    .max(7 * 86_400)
    .optional(),
  permission_hold: z
    .number()
    .positive()
    .max(7 * 86_400)
    .optional(),
})
export type UpdateSessionRequest = z.infer<typeof updateSessionRequest>

/** How one limit is enforced. `none` says that it is not. */
export const limitMechanisms = ["cgroup", "rlimit", "quota", "polled", "none"] as const
export type LimitMechanism = (typeof limitMechanisms)[number]

export interface LimitReport {
  readonly value: number
  readonly mechanism: LimitMechanism
}

/** What isolates a session, stated on every session and in `/health`; never downgraded silently. */
export interface IsolationReport {
  readonly level: "none" | "namespaces" | "container" | "gvisor" | "hosted"
  /** Whose identity the sandboxed processes have on the host. */
  readonly user: "uid-per-session" | "shared-uid" | "container" | "none"
  readonly seccomp: boolean
  readonly limits: Readonly<Record<"memory_mib" | "cpu" | "pids" | "disk_mib", LimitReport>>
}
