// The peer of the log figures: durable-streams' own server, in its default in-memory mode.
import { DurableStreamTestServer } from "@durable-streams/server"

const server = new DurableStreamTestServer({ port: 0, host: "127.0.0.1" })
const url = await server.start()
process.stdout.write(`${JSON.stringify({ url })}\n`)
process.stdin.resume()
process.stdin.once("end", () => void server.stop())
