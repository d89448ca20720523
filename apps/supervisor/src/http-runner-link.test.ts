import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { LogId } from "@berth/protocol"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { createHttpClient, type HttpClient } from "./http-request.ts"
import { createHttpRunnerLink } from "./http-runner-link.ts"

let directory: string
let client: HttpClient
let server: Server | null = null
const sockets = new Set<Socket>()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "link-"))
  client = createHttpClient({ socketPath: join(directory, "s"), token: "t" })
})
afterEach(async () => {
  client.close()
  for (const socket of sockets) socket.destroy()
  server?.close()
  server = null
  await rm(directory, { recursive: true })
})

async function serve(listener: RequestListener): Promise<string | AddressInfo | null> {
  const opened = createServer(listener)
  opened.on("connection", (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => opened.listen(join(directory, "s"), resolve))
  server = opened
  return opened.address()
}

const open = () => createHttpRunnerLink({ client, log: "log_x" as LogId })
const never = new AbortController().signal
const entry = (seq: number) => ({ seq, type: "notification" })

async function collect(after = 0): Promise<readonly number[]> {
  const seen: number[] = []
  for await (const entries of open().commands(after, { signal: never })) {
    for (const { seq } of entries) seen.push(seq)
  }
  return seen
}

describe("the HTTP link", () => {
  it("is unavailable when no server is there", async () => {
    await expect(open().renew()).rejects.toMatchObject({ code: "unavailable" })
    await expect(collect()).rejects.toMatchObject({ code: "unavailable" })
  })

  it("passes on the server's own errors with their details", async () => {
    await serve((_, response) => {
      response
        .writeHead(409)
        .end(JSON.stringify({ code: "out_of_sequence", message: "a hole", details: { expectedN: 3 } }))
    })
    await expect(open().append(5, [])).rejects.toMatchObject({
      code: "out_of_sequence",
      details: { expectedN: 3 },
    })
  })

  it("takes an answer that is no JSON of ours for a server that is away", async () => {
    await serve((_, response) => void response.writeHead(502).end("<html>"))
    await expect(open().renew()).rejects.toMatchObject({ code: "unavailable" })
  })

  it("sends batches as lines, with the token", async () => {
    const seen: string[] = []
    await serve((request, response) => {
      let body = ""
      request.on("data", (data: Buffer) => (body += data.toString()))
      request.on("end", () => {
        seen.push(String(request.url), String(request.headers.authorization), body)
        response.end('{"lastN":2}')
      })
    })
    const notification = {
      jsonrpc: "2.0",
      method: "_berth/error",
      params: { sessionId: "s", code: "c", message: "ü" },
    } as const
    expect(await open().append(1, [{ type: "notification", notification }])).toEqual({ lastN: 2 })
    expect(seen).toEqual([
      "/internal/logs/log_x/append?firstN=1",
      "Bearer t",
      `${JSON.stringify({ type: "notification", notification })}\n`,
    ])
  })

  it("reads entries however the stream is cut into pieces", async () => {
    const text = `: hello\n\nid: 1\ndata: ${JSON.stringify({ ...entry(1), text: "ü" })}\n\n: beat\n\nid: 2\ndata: ${JSON.stringify(entry(2))}\n\nevent: end\ndata: {"reason":"closed"}\n\n`
    const bytes = Buffer.from(text)
    await serve((_, response) => {
      const write = (at: number): void => {
        if (at >= bytes.byteLength) return void response.end()
        response.write(bytes.subarray(at, at + 7), () => setImmediate(write, at + 7))
      }
      write(0)
    })
    expect(await collect()).toEqual([1, 2])
  })

  it("tells a stream that was cut from one that ended", async () => {
    await serve((_, response) => {
      response.write(`id: 1\ndata: ${JSON.stringify(entry(1))}\n\n`, () => response.destroy())
    })
    await expect(collect()).rejects.toMatchObject({ code: "unavailable" })
  })

  it("carries blobs both ways, and knows a missing one", async () => {
    const kept = new Map<string, Buffer>()
    await serve((request, response) => {
      const hash = String(request.url?.split("/").at(-1))
      if (request.method === "GET") {
        const bytes = kept.get(hash)
        if (bytes === undefined)
          return void response.writeHead(404).end('{"code":"blob_not_found","message":"no"}')
        return void response.end(bytes)
      }
      const chunks: Buffer[] = []
      request.on("data", (data: Buffer) => chunks.push(data))
      request.on("end", () => {
        kept.set(hash, Buffer.concat(chunks))
        response.end("{}")
      })
    })
    const { blobs } = open()
    const bytes = new Uint8Array(3_000_000).fill(7)
    await blobs.put("h" as never, new Blob([bytes]).stream())
    const back = await blobs.get("h" as never)
    expect(new Uint8Array(await new Response(back).arrayBuffer())).toEqual(bytes)
    expect(await blobs.get("none" as never)).toBeNull()
  })

  it("ends an upload whose source fails with the source's error", async () => {
    await serve((request) => void request.resume())
    const broken = new ReadableStream<Uint8Array>({
      pull: () => Promise.reject(new Error("the file is gone")),
    })
    await expect(open().blobs.put("h" as never, broken)).rejects.toThrow("the file is gone")
  })
})
