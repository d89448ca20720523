import { randomUUID } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Logger } from "@berth/core"
import { gatewayConfig, type GatewayConfigInput } from "../config.ts"
import { createGatewayClient, type GatewayClient } from "../control/gateway-client.ts"
import type { GrantKey, GrantRequest } from "../control/grant-request.ts"
import type { EgressNetwork } from "../egress/open-egress.ts"
import { systemClock } from "../process/system-clock.ts"
import { startGateway, type Gateway } from "../start-gateway.ts"
import { startReportServer, type ReportServer } from "./report-server.test-support.ts"

export const operatorKeys = {
  anthropic: "sk-ant-operator-key-0001",
  openai: "sk-operator-key-0002",
  google: "AIza-operator-key-0003",
} as const

export const testPrices = [{ model: "priced-*", input: 1_000_000, output: 2_000_000 }]

export interface TestGateway extends AsyncDisposable {
  readonly folder: string
  readonly config: GatewayConfigInput
  readonly client: GatewayClient
  readonly reports: ReportServer
  readonly network: TestNetwork
  readonly gateway: Gateway
  /** Opens a grant; what is not named is denied. Gives its folder. */
  grant(request?: Partial<GrantRequest>, key?: Partial<GrantKey>): Promise<string>
  /** Ends the gateway and starts another on the same state. */
  restart(): Promise<void>
  readonly errors: unknown[]
}

/** Names and addresses as a test wants them; addresses lead to ports of this machine. */
export interface TestNetwork extends EgressNetwork {
  /** What a name resolves to, one list per question; the last one stays. */
  readonly names: Map<string, string[][]>
  /** `address:port` → local port. */
  readonly routes: Map<string, number>
  readonly dialled: string[]
  readonly resolved: string[]
}

export const testLogId = `log_${"0".repeat(25)}1`
export const otherLogId = `log_${"0".repeat(25)}2`

export async function startTestGateway(upstreamUrl: string): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), "gw-"))
  const config: GatewayConfigInput = {
    protocol: 1,
    controlSocket: join(folder, "control.sock"),
    socketRoot: join(folder, "s"),
    stateDirectory: join(folder, "state"),
    serverSocket: join(folder, "server.sock"),
    upstreams: Object.fromEntries(
      Object.entries(operatorKeys).map(([name, apiKey]) => [name, { baseUrl: upstreamUrl, apiKey }]),
    ),
    prices: testPrices,
    logLevel: "silent",
  }
  const errors: unknown[] = []
  const network = createTestNetwork()
  const reports = await startReportServer(config.serverSocket)
  const start = (): Promise<Gateway> =>
    startGateway({
      config: gatewayConfig.parse(config),
      logger: createTestLogger(errors),
      clock: systemClock,
      newId: randomUUID,
      network,
    })
  let gateway = await start()
  const client = createGatewayClient({ controlSocket: config.controlSocket })
  return {
    folder,
    config,
    client,
    reports,
    network,
    errors,
    get gateway() {
      return gateway
    },
    async grant(request, key) {
      const { directory } = await client.putGrant(
        { logId: testLogId, generation: 1, ...key },
        {
          project: "default",
          sessionId: "sess-1",
          network: "none",
          upstreams: [],
          budget: null,
          spent: { tokens: 0, usd: 0 },
          ...request,
        },
      )
      return directory
    },
    async restart() {
      await gateway.close()
      gateway = await start()
    },
    async [Symbol.asyncDispose]() {
      await client.close()
      await gateway.close()
      await reports[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function createTestNetwork(): TestNetwork {
  const network: TestNetwork = {
    names: new Map(),
    routes: new Map(),
    dialled: [],
    resolved: [],
    ownAddresses: () => ["9.9.9.9"],
    async resolve(host) {
      network.resolved.push(host)
      const answers = network.names.get(host) ?? []
      return (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    },
    dial(address, port, { signal }) {
      network.dialled.push(`${address}:${port}`)
      const local = network.routes.get(`${address}:${port}`)
      return new Promise((resolve, reject) => {
        if (local === undefined) {
          reject(new Error("no route"))
          return
        }
        const socket = connect({ host: "127.0.0.1", port: local, allowHalfOpen: true, signal })
        socket.once("connect", () => resolve(socket))
        socket.once("error", reject)
      })
    },
  }
  return network
}

function createTestLogger(errors: unknown[]): Logger {
  const quiet = (): void => undefined
  return { debug: quiet, info: quiet, warn: quiet, error: (fields) => errors.push(fields) }
}
