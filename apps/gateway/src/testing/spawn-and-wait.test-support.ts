import { text } from "node:stream/consumers"
import { spawnGateway, type SpawnGatewayOptions } from "../spawn-gateway.ts"

// Stands for the server: starts a gateway, says its pid, and lives until it is killed.
const options = JSON.parse(await text(process.stdin)) as SpawnGatewayOptions
const { pid } = await spawnGateway(options)
process.stdout.write(`${pid}\n`)
setInterval(() => undefined, 60_000)
