import { connectKeepAlive, post, type KeepAliveClient } from "./keep-alive-client.ts"

/** What `log-server.ts` says of itself. */
export interface LogServer {
  readonly port: number
  readonly socket: string
  readonly writers: readonly { readonly id: string; readonly log: string; readonly token: string }[]
}

/** One writer of one log: makes its next request. */
export interface Writer {
  readonly client: KeepAliveClient
  next(mark: string): Buffer
  readonly expected: number
}

const text = "lorem ipsum dolor sit amet ".repeat(4)

function update(sessionId: string, mark: string): string {
  return JSON.stringify({
    type: "notification",
    notification: {
      jsonrpc: "2.0",
      method: "session/update",
      params: {
        sessionId,
        update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: `${mark} ${text}` } },
      },
    },
  })
}

/** As a runner writes: over the server's Unix socket, numbered, one entry a request. */
export async function berthWriter(server: LogServer, index: number): Promise<Writer> {
  const writer = server.writers[index]
  if (writer === undefined) throw new Error(`no writer ${index}`)
  const client = await connectKeepAlive({ path: server.socket })
  let n = 0
  const headers = { authorization: `Bearer ${writer.token}`, "content-type": "application/x-ndjson" }
  const next = (mark: string): Buffer => {
    n += 1
    return post(`/internal/logs/${writer.log}/append?firstN=${n}`, headers, update(writer.id, mark))
  }
  return { client, next, expected: 200 }
}

/** The same body, as durable-streams takes it: one JSON message a request. */
export async function peerWriter(url: URL, index: number): Promise<Writer> {
  const client = await connectKeepAlive({ port: Number(url.port), host: url.hostname })
  const path = `/streams/writer-${index}`
  const headers = { "content-type": "application/json" }
  await client.send(post(path, headers, "", "PUT"))
  return { client, next: (mark) => post(path, headers, update("s", mark)), expected: 204 }
}

/** The same body again, for the floor. */
export async function floorWriter(port: number, index: number): Promise<Writer> {
  const client = await connectKeepAlive({ port, host: "127.0.0.1" })
  return { client, next: (mark) => post(`/${index}`, {}, update("s", mark)), expected: 200 }
}
