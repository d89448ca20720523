import { createConnection } from "node:net"

/** A reader of a session's stream on a bare socket: it can stop reading, which `fetch` cannot. */
export interface RawReader {
  /** Seqs in the order in which they came, each as often as it came. */
  readonly seqs: readonly number[]
  /** Resolves when `seq` has come. */
  until(seq: number, timeoutMs?: number): Promise<void>
  /** Bytes wait in the kernel, then in the server. */
  pause(): void
  resume(): void
  close(): void
}

/** Resolves when the head of the answer is there; `readAhead: false` takes nothing after it until `resume`. */
export function openRawReader(
  url: string,
  id: string,
  options: { readonly readAhead?: boolean } = {},
): Promise<RawReader> {
  const { hostname, port, host } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port) })
  socket.setEncoding("latin1")
  const seqs: number[] = []
  let rest = ""
  let arrived: () => void = () => {}
  const { promise, resolve, reject } = Promise.withResolvers<RawReader>()
  const reader: RawReader = {
    seqs,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
    until: (seq, timeoutMs = 20_000) => waitUntil(seq, timeoutMs),
  }
  const onText = (text: string): void => {
    rest += text
    const lines = rest.split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) {
      const seq = /^id: (\d+)@/.exec(line)?.[1]
      if (seq !== undefined) seqs.push(Number(seq))
    }
    arrived()
  }
  socket.once("error", reject)
  socket.once("connect", () => {
    socket.write(
      `GET /api/sessions/${id}/sync HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`,
    )
  })
  socket.once("data", (head: string) => {
    if (!head.startsWith("HTTP/1.1 200")) return reject(new Error(head.slice(0, 200)))
    if (options.readAhead === false) socket.pause()
    socket.on("data", onText)
    onText(head)
    resolve(reader)
  })
  return promise

  async function waitUntil(seq: number, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while ((seqs.at(-1) ?? 0) < seq) {
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`the reader is at ${seqs.at(-1) ?? 0}, not at ${seq}`)
      await new Promise<void>((wake) => {
        const timer = setTimeout(wake, left)
        arrived = () => {
          clearTimeout(timer)
          wake()
        }
      })
    }
  }
}
