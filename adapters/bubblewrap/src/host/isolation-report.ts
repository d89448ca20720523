import type { SandboxSpec } from "@berth/core"
import { limits as defaults, type IsolationReport } from "@berth/protocol"
import type { ControlGroups } from "../cgroup/find-control-groups.ts"

/** What isolates a sandbox with these limits on a host that offers this. */
export function isolationReport(
  host: { readonly groups: ControlGroups | null; readonly hasOwnUids: boolean; readonly hasSeccomp: boolean },
  limits: SandboxSpec["limits"] = defaults.sandbox,
): IsolationReport {
  const has = (name: "memory" | "pids" | "cpu"): boolean => host.groups?.parents[name] !== undefined
  return {
    level: "namespaces",
    user: host.hasOwnUids ? "uid-per-session" : "shared-uid",
    seccomp: host.hasSeccomp,
    limits: {
      memory_mib: { value: limits.memoryMib, mechanism: has("memory") ? "cgroup" : "polled" },
      cpu: { value: limits.cpu, mechanism: has("cpu") ? "cgroup" : "none" },
      pids: { value: limits.pids, mechanism: has("pids") ? "cgroup" : "rlimit" },
      disk_mib: { value: limits.diskMib, mechanism: "polled" },
    },
  }
}
