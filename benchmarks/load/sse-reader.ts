import { connect, type NetConnectOpts } from "node:net"

export interface SseReader {
  close(): void
}

/** Reads a server-sent event stream and hands over raw text as it comes, doing as little as it can. */
export async function openSse(
  target: NetConnectOpts,
  path: string,
  headers: Readonly<Record<string, string>>,
  onText: (text: string) => void,
): Promise<SseReader> {
  const socket = connect(target)
  socket.setNoDelay(true)
  socket.setEncoding("latin1")
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject)
    socket.once("data", (first: string) => {
      if (!first.startsWith("HTTP/1.1 200")) reject(new Error(`no stream at ${path}: ${first.slice(0, 300)}`))
      socket.on("data", onText)
      resolve()
      onText(first)
    })
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${"port" in target ? target.port : 80}\r\naccept: text/event-stream\r\n${lines.join("")}\r\n`,
    )
  })
  return { close: () => socket.destroy() }
}
