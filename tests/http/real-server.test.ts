import { afterAll, beforeAll } from "vitest"
import { httpSuite, remoteServer } from "@berth/conformance"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"

let server: ServerProcess | null = null

beforeAll(async () => {
  server = await startServerProcess()
})

afterAll(async () => {
  await server?.stop()
})

httpSuite("the built server", async () => {
  if (server === null) throw new Error("the server did not start")
  return remoteServer(server.url)
})
