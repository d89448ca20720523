import ipaddr from "ipaddr.js"

/** Reached by name from inside clouds, and not in any range that ipaddr.js calls special. */
const metadataAddresses = new Set(["168.63.129.16"])

const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3")
/** RFC 6052: the last 32 bits are an IPv4 address that a translator dials. */
const nat64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96")

/**
 * Why a sandbox may not be connected to this address, or null when it may. Only public unicast
 * addresses are allowed, whatever the policy; IPv6 forms that stand for an IPv4 address are judged by
 * that one. `ownAddresses` are this host's, in any spelling.
 */
export function refusedAddress(address: string, ownAddresses: readonly string[]): string | null {
  if (!ipaddr.isValid(address)) return "no address"
  const parsed = ipaddr.process(address)
  if (ownAddresses.some((own) => isSame(own, parsed))) return "this host"
  return parsed.kind() === "ipv4" ? refusedIpv4(parsed) : refusedIpv6(parsed as ipaddr.IPv6, ownAddresses)
}

function refusedIpv4(address: ipaddr.IPv4 | ipaddr.IPv6): string | null {
  if (metadataAddresses.has(address.toString())) return "cloud metadata"
  const range = address.range()
  return range === "unicast" ? null : range
}

function refusedIpv6(address: ipaddr.IPv6, ownAddresses: readonly string[]): string | null {
  const { parts } = address
  if (address.match(nat64)) return refusedAddress(embeddedIpv4(parts, 6), ownAddresses)
  const range = address.range()
  if (range === "6to4") return refusedAddress(embeddedIpv4(parts, 1), ownAddresses)
  if (range !== "unicast") return range
  return address.match(globalUnicast) ? null : "reserved"
}

function embeddedIpv4(parts: readonly number[], at: number): string {
  const [high = 0, low = 0] = parts.slice(at, at + 2)
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".")
}

function isSame(own: string, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  // A link-local address of ours comes with a zone.
  const plain = own.split("%")[0] ?? own
  return ipaddr.isValid(plain) && ipaddr.process(plain).toString() === address.toString()
}
