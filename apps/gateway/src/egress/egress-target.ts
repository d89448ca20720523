import ipaddr from "ipaddr.js"
import type { NetworkPolicy } from "@berth/protocol"

/** Where a sandbox wants to go. */
export interface EgressTarget {
  /** Lower case, without brackets or a last dot; an address in its shortest spelling. */
  readonly host: string
  readonly port: number
  readonly isAddress: boolean
}

const allowedPorts = [80, 443]
const hostPattern = /^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?$/

/**
 * Null when it is no `host:port`. The URL parser reads the host, so that `0x7f.1`, `2130706433` and
 * full-width digits are the addresses that a resolver would take them for.
 */
export function parseEgressTarget(authority: string, defaultPort: number | null): EgressTarget | null {
  const match = /^(\[[0-9a-f:.]+\]|[^\s:@/?#\\[\]]+)(?::(\d{1,5}))?$/i.exec(authority)
  const port = match?.[2] === undefined ? defaultPort : Number(match[2])
  if (match?.[1] === undefined || port === null || !URL.canParse(`http://${match[1]}/`)) return null
  const name = new URL(`http://${match[1]}/`).hostname.replace(/\.$/, "")
  const host = name.startsWith("[") ? name.slice(1, -1) : name
  if (ipaddr.isValid(host)) return { host: ipaddr.parse(host).toString(), port, isAddress: true }
  return hostPattern.test(host) ? { host, port, isAddress: false } : null
}

/** Why the policy refuses this target, or null when it allows it; the address is judged apart. */
export function refusedByPolicy(policy: NetworkPolicy, target: EgressTarget): string | null {
  if (policy === "none") return "this session has no network"
  if (!allowedPorts.includes(target.port)) return "only ports 80 and 443 are open"
  if (policy === "all") return null
  return policy.allow.some((pattern) => matchesHost(pattern, target))
    ? null
    : "this host is not in the session's network list"
}

function matchesHost(pattern: string, target: EgressTarget): boolean {
  const wanted = pattern.toLowerCase().replace(/\.$/, "")
  if (!wanted.startsWith("*.")) return target.host === wanted
  return !target.isAddress && target.host.endsWith(wanted.slice(1)) && target.host.length > wanted.length - 1
}
