import { afterEach, describe, expect, it } from "vitest"
import { createTestServer, type TestServer } from "./test-server.test-support.ts"

let server: TestServer
afterEach(() => server.close())

describe("a supervisor", () => {
  it("takes a prompt to an agent in a sandbox and its updates to the log", async () => {
    server = await createTestServer()
    await server.prompt("hello")
    await server.launch()
    const lines = await server.until("turn_ended completed")
    expect(lines).toContain("say you said hello")
  })
})
