import type { Duplex } from "node:stream"
import { AppError } from "@berth/core"
import type { NetworkPolicy } from "@berth/protocol"
import { refusedByPolicy, type EgressTarget } from "./egress-target.ts"
import { refusedAddress } from "./refused-address.ts"

/** The addresses of a name, the preferred ones first. Rejects when there are none. */
export type Resolver = (host: string, options: { readonly signal: AbortSignal }) => Promise<readonly string[]>

/** Connects to this very address; nothing is resolved any more. */
export type Dialer = (
  address: string,
  port: number,
  options: { readonly signal: AbortSignal },
) => Promise<Duplex>

export interface EgressNetwork {
  readonly resolve: Resolver
  readonly dial: Dialer
  /** Addresses of this host, as of now. */
  readonly ownAddresses: () => readonly string[]
}

/**
 * A connection out of a sandbox. The name is resolved once, all its addresses are judged, and one of
 * those very addresses is dialled, so that a second answer of a hostile name server changes nothing.
 * Throws `forbidden` (with `details {host, port, reason}`) and `upstream_failed`.
 */
export async function openEgress(
  network: EgressNetwork,
  policy: NetworkPolicy,
  target: EgressTarget,
  signal: AbortSignal,
): Promise<Duplex> {
  const { host, port } = target
  const refused = refusedByPolicy(policy, target)
  if (refused !== null) throw refusal(target, refused)
  const addresses = target.isAddress ? [host] : await resolve(network, target, signal)
  const own = network.ownAddresses()
  for (const address of addresses) {
    const reason = refusedAddress(address, own)
    if (reason !== null) throw refusal(target, `it leads to an address that is not public (${reason})`)
  }
  return dialFirst(network, target, addresses, port, signal)
}

async function resolve(
  network: EgressNetwork,
  target: EgressTarget,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const addresses = await network.resolve(target.host, { signal })
    if (addresses.length > 0) return addresses
  } catch (cause) {
    throw failure(target, "it has no address", cause)
  }
  throw failure(target, "it has no address", null)
}

async function dialFirst(
  network: EgressNetwork,
  target: EgressTarget,
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  let cause: unknown = null
  for (const address of addresses.slice(0, 4)) {
    signal.throwIfAborted()
    try {
      return await network.dial(address, port, { signal })
    } catch (error) {
      cause = error
    }
  }
  throw failure(target, "it does not answer", cause)
}

function refusal({ host, port }: EgressTarget, reason: string): AppError {
  return new AppError("forbidden", `The sandbox may not reach ${host}:${port}: ${reason}.`, {
    details: { host, port, reason },
  })
}

function failure({ host, port }: EgressTarget, reason: string, cause: unknown): AppError {
  return new AppError("upstream_failed", `${host}:${port} cannot be reached: ${reason}.`, {
    details: { host, port, reason },
    cause,
  })
}
