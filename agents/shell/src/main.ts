import { Readable, Writable } from "node:stream"
import { ndJsonStream } from "@agentclientprotocol/sdk"
import { readConfig } from "./config.ts"
import { createShellAgent } from "./shell-agent.ts"

const shellAgent = createShellAgent(readConfig())
const connection = shellAgent.app.connect(
  ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>),
)

process.on("SIGTERM", () => connection.close())
process.on("SIGINT", () => connection.close())
await connection.closed
await shellAgent.close()
process.exit(0)
