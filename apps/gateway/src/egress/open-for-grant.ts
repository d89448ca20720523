import type { Duplex } from "node:stream"
import { isAppError } from "@berth/core"
import type { GatewayContext } from "../grants/gateway-context.ts"
import type { LiveGrant } from "../grants/live-grant.ts"
import { refusedByPolicy, type EgressTarget } from "./egress-target.ts"
import { openEgress } from "./open-egress.ts"

/**
 * `openEgress` under the grant's policy: refusals are told to the server, and the connection ends
 * when a later policy forbids it.
 */
export async function openForGrant(
  context: GatewayContext,
  grant: LiveGrant,
  target: EgressTarget,
  signal: AbortSignal,
): Promise<Duplex> {
  try {
    const remote = await openEgress(context.network, grant.request.network, target, signal)
    const tunnel = { target, cut: () => remote.destroy() }
    grant.tunnels.add(tunnel)
    remote.once("close", () => grant.tunnels.delete(tunnel))
    // While it was dialled the policy may have changed.
    if (refusedByPolicy(grant.request.network, target) !== null) remote.destroy()
    return remote
  } catch (error) {
    if (isAppError(error, "forbidden")) {
      const { host, port } = target
      grant.tellRefusal({ kind: "network", host, port, target: null, message: error.message })
    }
    throw error
  }
}
