import {
  limits,
  type CreateSessionRequest,
  type NetworkPolicy,
  type UpdateSessionRequest,
} from "@berth/protocol"
import type { SessionSpec } from "../ports/session-store.ts"

/** Pure. What a request asks for, with defaults filled in. Values of variables are kept elsewhere. */
export function createSpec(request: CreateSessionRequest, agent: SessionSpec["agent"]): SessionSpec {
  const { sandbox } = limits
  return {
    agent: agent !== null && typeof agent === "object" ? { argv: agent.argv } : agent,
    model: request.model ?? null,
    mode: request.mode ?? null,
    instructions: request.instructions ?? null,
    permissions: request.permissions ?? "ask",
    trustWorkspace: request.trust_workspace ?? false,
    network: networkOf(request) ?? "none",
    budget: request.budget ?? null,
    idleTimeoutMs: milliseconds(request.idle_timeout ?? limits.idleTimeoutSeconds),
    permissionHoldMs: milliseconds(request.permission_hold ?? limits.permissionHoldSeconds),
    title: request.title ?? null,
    metadata: request.metadata ?? {},
    envNames: Object.keys(sessionEnvironment(request)).toSorted(),
    limits: {
      memoryMib: request.limits?.memory_mib ?? sandbox.memoryMib,
      cpu: request.limits?.cpu ?? sandbox.cpu,
      pids: request.limits?.pids ?? sandbox.pids,
      diskMib: request.limits?.disk_mib ?? sandbox.diskMib,
    },
  }
}

/** Pure. The session's variables; those of a custom agent are among them, since both reach every process. */
export function sessionEnvironment(request: CreateSessionRequest): Readonly<Record<string, string>> {
  const ofAgent = typeof request.agent === "object" ? request.agent.env : undefined
  return { ...request.env, ...ofAgent }
}

/** Pure. The spec after a PATCH; what the request does not name stays. */
export function updateSpec(spec: SessionSpec, request: UpdateSessionRequest): SessionSpec {
  const { idle_timeout: idleTimeout, permission_hold: permissionHold } = request
  return {
    ...spec,
    title: request.title ?? spec.title,
    metadata: request.metadata ?? spec.metadata,
    network: networkOf(request) ?? spec.network,
    permissions: request.permissions ?? spec.permissions,
    budget: request.budget ?? spec.budget,
    idleTimeoutMs: idleTimeout === undefined ? spec.idleTimeoutMs : milliseconds(idleTimeout),
    permissionHoldMs: permissionHold === undefined ? spec.permissionHoldMs : milliseconds(permissionHold),
  }
}

function networkOf(request: {
  readonly network?: NetworkPolicy | undefined
  readonly allowInternetAccess?: boolean | undefined
}): NetworkPolicy | undefined {
  if (request.network !== undefined) return request.network
  if (request.allowInternetAccess === undefined) return undefined
  return request.allowInternetAccess ? "all" : "none"
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000)
}
