// Append, and replay of the last 100 entries, in a log of a million entries among 10,000 sessions ÷ the same in
// an empty store: over HTTP, turn and turn about.
import { startChildServer } from "./load/child-server.ts"
import { connectKeepAlive } from "./load/keep-alive-client.ts"
import { berthWriter, type LogServer } from "./load/log-writers.ts"
import { median } from "./load/statistics.ts"

const samples = 400
const longEntries = 1_000_000

export async function growthFigures(): Promise<Record<string, number>> {
  const servers = [
    await startChildServer<LogServer>("log-server.ts", [1, 0, 100]),
    await startChildServer<LogServer>("log-server.ts", [1, 10_000, longEntries]),
  ]
  const sides = await Promise.all(
    servers.map(async ({ info }) => ({
      writer: await berthWriter(info, 0),
      reader: await connectKeepAlive({ port: info.port, host: "127.0.0.1" }),
      appends: [] as number[],
      replays: [] as number[],
      head: 0,
    })),
  )
  for (let sample = 0; sample < samples; sample += 1) {
    for (const side of sides) {
      const startedAt = performance.now()
      const { status, body } = await side.writer.client.send(side.writer.next("g"))
      if (status !== 200) throw new Error(body)
      side.appends.push(performance.now() - startedAt)
    }
    for (const side of sides) {
      const startedAt = performance.now()
      const after = Math.max(0, side.head - 100)
      const request = `GET /api/sessions/writer-0/log?after=${after}&limit=100 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`
      const { status, body } = await side.reader.send(Buffer.from(request))
      if (status !== 200) throw new Error(body)
      const ms = performance.now() - startedAt
      const { head_seq } = JSON.parse(Buffer.from(body, "latin1").toString()) as { head_seq: number }
      // The first answers tell where the log ends.
      if (side.head > 0) side.replays.push(ms)
      side.head = head_seq
    }
  }
  for (const server of servers) await server.close()
  const [small, large] = sides
  if (small === undefined || large === undefined) throw new Error("two sides")
  return {
    "append, long ÷ empty": median(large.appends) / median(small.appends),
    "last 100 entries, long ÷ empty": median(large.replays) / median(small.replays),
  }
}

if (import.meta.main) console.table(await growthFigures())
