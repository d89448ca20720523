import type { Duplex } from "node:stream"
import { isAppError } from "@berth/core"
import type { GatewayContext } from "../grants/gateway-context.ts"
import type { LiveGrant } from "../grants/live-grant.ts"
import type { EgressTarget } from "./egress-target.ts"
import { openEgress } from "./open-egress.ts"

/** `openEgress` under the grant's present policy; refusals are told to the server. */
export async function openForGrant(
  context: GatewayContext,
  grant: LiveGrant,
  target: EgressTarget,
  signal: AbortSignal,
): Promise<Duplex> {
  try {
    return await openEgress(context.network, grant.request.network, target, signal)
  } catch (error) {
    if (isAppError(error, "forbidden")) {
      const { host, port } = target
      grant.tellRefusal({ kind: "network", host, port, target: null, message: error.message })
    }
    throw error
  }
}
