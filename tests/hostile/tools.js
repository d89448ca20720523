// Runs inside of a sandbox: abuses the tools' socket, then swaps files while the host publishes them.
import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { connect } from "node:net"

const wishes = JSON.parse(readFileSync("wishes.json", "utf8"))
const path = "/run/berth/tools.sock"
const results = {}

const open = () =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once("connect", () => resolve(socket))
    socket.on("error", () => resolve(null))
  })
const closed = (socket, ms) =>
  new Promise((resolve) => {
    if (socket === null) return resolve(true)
    const timer = setTimeout(() => resolve(false), ms)
    socket.once("close", () => {
      clearTimeout(timer)
      resolve(true)
    })
    socket.resume()
  })

/** A whole MCP client, as far as a call needs it; null when it is not let in. */
async function mcp() {
  const socket = await open()
  if (socket === null) return null
  const waiting = new Map()
  const gone = { isError: true, content: [{ text: "the connection closed" }] }
  let rest = ""
  let next = 0
  socket.setEncoding("utf8")
  socket.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop()
    for (const line of lines) {
      const message = JSON.parse(line)
      waiting.get(message.id)?.(message.result ?? message.error)
    }
  })
  socket.on("close", () => {
    for (const resolve of waiting.values()) resolve(gone)
  })
  const call = (method, params) =>
    new Promise((resolve) => {
      if (socket.destroyed) return resolve(gone)
      next += 1
      waiting.set(next, resolve)
      socket.write(`${JSON.stringify({ jsonrpc: "2.0", id: next, method, params })}\n`)
    })
  const clientInfo = { name: "hostile", version: "1" }
  const hello = await call("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo })
  if (hello === gone) return null
  socket.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`)
  return { socket, tool: (name, args) => call("tools/call", { name, arguments: args }) }
}

const textOf = (answer) => answer?.content?.[0]?.text ?? JSON.stringify(answer)

// Noise of every kind; each on a connection of its own.
const noises = [
  Buffer.from([0, 255, 254, 10, 13, 10]),
  "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
  `${"[".repeat(100_000)}\n`,
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"checkpoint","arguments":{"message":"too early"}}}\n',
  '{"jsonrpc":"2.0","id":{},"method":5}\n{"jsonrpc":"2.0"}\n[]\nnull\n',
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"__proto__":{"isForged":true}}}\n',
]
for (const noise of noises) (await open())?.end(noise)
const huge = await open()
for (let count = 0; count < 64; count += 1) huge.write("z".repeat(1024 * 1024))
results.hugeIsCut = await closed(huge, 5_000)
const crowd = await Promise.all(Array.from({ length: 60 }, () => open()))
results.crowdIsCut = (await Promise.all(crowd.map((socket) => closed(socket, 1_000)))).some(Boolean)
for (const socket of crowd) socket?.destroy()

// The crowd has not left at once.
let client = null
while (client === null) client = await mcp()
// Paths out of the workspace.
for (const out of [
  "../secret",
  "/etc/shadow",
  "../../../../../../etc/shadow",
  "traps/../../../etc/shadow",
  "a\u0000b",
  "",
  ".",
  "traps/dir",
  wishes.hostFile,
]) {
  results[`publish ${JSON.stringify(out)}`] = textOf(await client.tool("publish_artifact", { path: out }))
}
mkdirSync("traps", { recursive: true })
symlinkSync(wishes.hostFile, "traps/link")
symlinkSync("/etc", "traps/etc")
execFileSync("mkfifo", ["traps/fifo"])
execFileSync("sh", ["-c", "socat UNIX-LISTEN:traps/socket,fork /dev/null & sleep 0.2"], { stdio: "ignore" })
for (const trap of ["traps/link", "traps/etc/shadow", "traps/etc/passwd", "traps/fifo", "traps/socket"]) {
  results[`publish ${trap}`] = textOf(await client.tool("publish_artifact", { path: trap }))
}
// Unknown tools, wrong arguments.
results.unknownTool = textOf(await client.tool("append_entry", { origin: "server", method: "_berth/usage" }))
results.wrongArguments = textOf(
  await client.tool("checkpoint", { message: { forged: true }, questionId: "forged" }),
)
results.extraArguments = textOf(
  await client.tool("checkpoint", {
    message: "real",
    questionId: "forged",
    origin: "server",
    kind: "permission",
    turnId: "forged",
  }),
)

// Questions without end.
const flood = await Promise.all(
  Array.from({ length: 150 }, (_, index) => client.tool("checkpoint", { message: `flood ${index}` })),
)
results.floodAnswers = flood.length

// A file that is another thing each time it is looked at, published again and again.
mkdirSync("flip", { recursive: true })
const flipper = spawn(
  "bash",
  [
    "-c",
    `while :; do
    printf 'plain %s' $RANDOM > flip/next; mv -f flip/next flip/file
    ln -sfn "$0" flip/next; mv -Tf flip/next flip/file
    rm -f flip/file; mkfifo flip/file 2>/dev/null; rm -f flip/file; mkdir flip/file 2>/dev/null; rmdir flip/file 2>/dev/null
    mv flip flop 2>/dev/null; ln -sfn /etc flip; rm -f flip; mv flop flip 2>/dev/null
  done`,
    wishes.hostFile,
  ],
  { detached: true, stdio: "ignore" },
)
flipper.unref()
const until = Date.now() + 1_500
let published = 0
while (Date.now() < until) {
  const text = textOf(await client.tool("publish_artifact", { path: "flip/file", title: "flip" }))
  if (text.startsWith("Published")) published += 1
}
results.published = published
client.socket.destroy()
// The flipper runs on: snapshots at the end of this turn and the next meet it too.
rmSync("results.json", { force: true })
writeFileSync("results.json", JSON.stringify(results))
process.exit(0)
