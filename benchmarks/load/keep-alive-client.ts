import { connect, type NetConnectOpts, type Socket } from "node:net"

export interface KeepAliveClient {
  /** Sends one whole HTTP/1.1 request; resolves with the answer's status and body when all of it is there. */
  send(request: Buffer): Promise<{ readonly status: number; readonly body: string }>
  close(): void
}

/**
 * The least client that can load a server: one connection, one request at a time, no pooling and no
 * header objects, so that what is measured is the server. Used for Berth and for the peer alike.
 */
export async function connectKeepAlive(target: NetConnectOpts): Promise<KeepAliveClient> {
  const socket: Socket = connect(target)
  socket.setNoDelay(true)
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject))
  let received = ""
  let settle: ((answer: { status: number; body: string }) => void) | null = null
  socket.setEncoding("latin1")
  socket.on("data", (chunk: string) => {
    received += chunk
    const answer = readAnswer(received)
    if (answer === null || settle === null) return
    const done = settle
    received = ""
    settle = null
    done(answer)
  })
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        settle = resolve
        socket.write(request, (error) => error && reject(error))
      }),
    close: () => socket.destroy(),
  }
}

function readAnswer(text: string): { status: number; body: string } | null {
  const end = text.indexOf("\r\n\r\n")
  if (end === -1) return null
  const head = text.slice(0, end)
  const body = text.slice(end + 4)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return body.length >= Number(length) ? { status, body } : null
  if (status === 204 || status === 304) return { status, body: "" }
  return body.endsWith("0\r\n\r\n") ? { status, body } : null
}

export function post(
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  method = "POST",
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = Buffer.byteLength(body)
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${lines.join("")}content-length: ${length}\r\n\r\n${body}`,
  )
}
