export { defaultPrices } from "./budget/default-prices.ts"
export { modelPrice, type ModelPrice } from "./budget/price.ts"
export {
  gatewayConfig,
  parseConfig,
  type ChangeableConfig,
  type GatewayConfig,
  type GatewayConfigInput,
  type UpstreamConfig,
} from "./config.ts"
export { createGatewayClient, type GatewayClient } from "./control/gateway-client.ts"
export {
  grantRequest,
  type GatewayHealth,
  type GrantKey,
  type GrantRequest,
} from "./control/grant-request.ts"
export { createHostNetwork } from "./egress/host-network.ts"
export type { Dialer, EgressNetwork, Resolver } from "./egress/open-egress.ts"
export { gatewayLimits, gatewayProtocolVersion, gatewayVersion } from "./gateway-limits.ts"
export { systemClock } from "./process/system-clock.ts"
export { report, reportsAnswer, type Report } from "./reports/report.ts"
export { spawnGateway, type SpawnGatewayOptions } from "./spawn-gateway.ts"
export { startGateway, type Gateway, type GatewayOptions } from "./start-gateway.ts"
export { upstreamNames, type UpstreamName } from "./upstreams/upstream-table.ts"
