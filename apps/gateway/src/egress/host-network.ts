import { Resolver as DnsResolver } from "node:dns/promises"
import { connect } from "node:net"
import { networkInterfaces } from "node:os"
import { gatewayLimits } from "../gateway-limits.ts"
import type { Dialer, EgressNetwork, Resolver } from "./open-egress.ts"

/** The network of this host. */
export function createHostNetwork(): EgressNetwork {
  return { resolve: createDnsResolver(), dial: dialTcp, ownAddresses: listOwnAddresses }
}

/**
 * Asks the name servers of this host. Not `dns.lookup`: that takes a thread of the pool which file
 * writes use too, and a slow name server of a sandbox's choosing would hold all of them.
 */
function createDnsResolver(): Resolver {
  return async (host, { signal }) => {
    signal.throwIfAborted()
    const resolver = new DnsResolver({ timeout: gatewayLimits.resolveTimeoutMs, tries: 2 })
    const cancel = (): void => resolver.cancel()
    signal.addEventListener("abort", cancel, { once: true })
    try {
      const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
      const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
      const [first] = answers
      if (addresses.length === 0 && first.status === "rejected") throw first.reason
      return addresses
    } finally {
      signal.removeEventListener("abort", cancel)
    }
  }
}

const dialTcp: Dialer = (address, port, { signal }) =>
  new Promise((resolve, reject) => {
    const socket = connect({
      host: address,
      port,
      allowHalfOpen: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      noDelay: true,
      signal,
    })
    const timer = setTimeout(() => {
      socket.destroy(new Error("connection timed out"))
    }, gatewayLimits.dialTimeoutMs)
    socket.once("error", (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once("connect", () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })

function listOwnAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address)
}
