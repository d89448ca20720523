/**
 * An ACP agent for drills, as a program of one file: it streams as many numbered chunks as the prompt
 * asks for, and says in its first chunk which process it is. Prompts: `stream <count> <perTick> <padding>`,
 * `wait` (until cancelled), `ask <text>` (a permission), `boot` (which process am I).
 */
const source = `
const { randomUUID } = require("node:crypto")
const boot = randomUUID()
let buffer = "", nextId = 1, cancelled = false, sessionId = "drill"
const waiting = new Map()
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n")
const chunk = (text) => send({ method: "session/update", params: { sessionId, update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } } } })
const ask = (method, params) => new Promise((resolve) => { const id = "a" + nextId++; waiting.set(id, resolve); send({ id, method, params }) })
const tick = () => new Promise((resolve) => setTimeout(resolve, 4))
async function prompt(text) {
  cancelled = false
  const [word, ...rest] = text.trim().split(/ +/)
  if (word === "stream") {
    chunk("boot " + boot)
    const count = Number(rest[0]), perTick = Number(rest[1] ?? 1000), pad = ".".repeat(Number(rest[2] ?? 0))
    for (let i = 1; i <= count && !cancelled; i += 1) {
      chunk("n" + i + pad)
      if (i % perTick === 0) await tick()
    }
  } else if (word === "wait") {
    chunk("waiting")
    while (!cancelled) await tick()
  } else if (word === "ask") {
    const options = [{ optionId: "yes", name: "Allow", kind: "allow_once" }, { optionId: "no", name: "Reject", kind: "reject_once" }]
    const answer = await ask("session/request_permission", { sessionId, toolCall: { toolCallId: randomUUID(), title: rest.join(" "), kind: "execute" }, options })
    chunk("answer " + JSON.stringify(answer.outcome))
  } else chunk("boot " + boot + " said " + text)
  return { stopReason: cancelled ? "cancelled" : "end_turn" }
}
const methods = {
  initialize: () => ({ protocolVersion: 1, agentCapabilities: { loadSession: true }, authMethods: [] }),
  "session/new": () => ({ sessionId }),
  "session/load": () => ({}),
  "session/prompt": (params) => prompt(params.prompt.map((block) => block.text ?? "").join("")),
}
process.stdin.on("data", (data) => {
  buffer += data
  const lines = buffer.split("\\n")
  buffer = lines.pop()
  for (const line of lines) {
    const message = JSON.parse(line)
    if (message.method === "session/cancel") { cancelled = true; for (const resolve of waiting.values()) resolve({ outcome: { outcome: "cancelled" } }); continue }
    if (message.method === undefined) { waiting.get(message.id)?.(message.result); waiting.delete(message.id); continue }
    const method = methods[message.method]
    if (method === undefined) { if (message.id !== undefined) send({ id: message.id, error: { code: -32601, message: "no such method" } }); continue }
    Promise.resolve(method(message.params)).then((result) => send({ id: message.id, result }))
  }
})
process.stdin.on("end", () => process.exit(0))
`

/** For `agent` in POST /api/sessions. */
export const drillAgent = { argv: ["node", "-e", source] }
