// The floor of the log figures: the least there can be of a durable log over HTTP. `node:http`, `node:sqlite` with
// a sync at every group commit, one table, one stream of events; no sessions, no checks, no leases.
import { mkdtempSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

const database = new DatabaseSync(join(mkdtempSync(join(tmpdir(), "berth-floor-")), "log.sqlite"))
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE")
database.exec("CREATE TABLE entry (seq INTEGER PRIMARY KEY, text TEXT NOT NULL)")
const insert = database.prepare("INSERT INTO entry VALUES (?, ?)")
const readers = new Set<ServerResponse>()
let queue: { readonly text: string; readonly response: ServerResponse }[] = []
let seq = 0

function commit(): void {
  const group = queue
  queue = []
  let frames = ""
  database.exec("BEGIN")
  for (const { text } of group) {
    seq += 1
    insert.run(seq, text)
    frames += `id: ${seq}\ndata: ${text}\n\n`
  }
  database.exec("COMMIT")
  for (const reader of readers) reader.write(frames)
  for (const { response } of group) response.writeHead(200, { "content-length": 2 }).end("ok")
}

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "text/event-stream" }).write(":\n\n")
    readers.add(response)
    return
  }
  let text = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => (text += chunk))
  request.on("end", () => {
    if (queue.length === 0) setImmediate(commit)
    queue.push({ text, response })
  })
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object" && address !== null) {
    process.stdout.write(`${JSON.stringify({ port: address.port })}\n`)
  }
})
process.stdin.resume()
process.stdin.once("end", () => process.exit(0))
