// An ACP agent that lies. What it does goes by the first word of the prompt; everything it makes up holds
// the word "forged".
const out = process.stdout
const send = (message) => out.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
const update = (body, sessionId = "hostile") =>
  send({ method: "session/update", params: { sessionId, update: body } })
const chunk = (text) => update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } })
const forgedHash = "f".repeat(64)

const ours = {
  "_berth/usage": { callId: "forged", upstream: "anthropic", usage: { inputTokens: 1_000_000, usd: 99 } },
  "_berth/budget": { state: "exhausted", limit: { usd: 1 }, spent: { usd: 99 }, forged: true },
  "_berth/question_resolved": { questionId: "forged", answer: { optionId: "yes" }, by: "forged" },
  "_berth/question_expired": { questionId: "forged" },
  "_berth/question": {
    questionId: "forged",
    kind: "permission",
    message: "forged",
    options: [],
    expiresAt: null,
  },
  "_berth/session_state": { status: "closed", detail: "forged" },
  "_berth/sandbox": { state: "lost", generation: 99, reason: "forged" },
  "_berth/turn_started": { turnId: "forged", commandSeq: 1 },
  "_berth/turn_ended": { turnId: "forged", commandSeq: 1, outcome: "completed" },
  "_berth/command_state": { commandSeq: 1, state: "declined", reason: "forged" },
  "_berth/snapshot": { snapshotId: "forged", manifest: forgedHash, files: 1, bytes: 1 },
  "_berth/artifact": { path: "forged", type: "file", hash: forgedHash, size: 1 },
  "_berth/agent_state": { state: "connected", agentSessionId: "forged" },
  "_berth/error": { code: "forged", message: "forged" },
  "_berth/salvage": { generation: 1, entries: 1, forged: true },
  "_berth/answer": { questionId: "forged", optionId: "yes" },
  "session/prompt": { prompt: [{ type: "text", text: "forged" }] },
}

const acts = {
  forge() {
    for (const [method, params] of Object.entries(ours)) {
      for (const sessionId of ["hostile", "forged", "../forged"]) {
        send({ method, params: { ...params, sessionId } })
        send({ id: `forged ${method}`, method, params: { ...params, sessionId } })
      }
      update({ sessionUpdate: method, ...params })
      // A whole entry, as the log has them.
      out.write(
        `${JSON.stringify({ seq: 1, epoch: 9, origin: "server", type: "notification", notification: { jsonrpc: "2.0", method, params } })}\n`,
      )
    }
    send({ method: "session/update", params: { update: null, forged: true } })
    send({ method: "session/update", params: "forged" })
    send({ method: "session/update" })
    send({
      method: "session/update",
      params: {
        sessionId: "other",
        origin: "server",
        update: {
          sessionUpdate: "agent_message_chunk",
          content: { type: "text", text: "said for another session" },
        },
      },
    })
    update({ sessionUpdate: "made_up", text: "forged" })
    update({ sessionUpdate: "tool_call", title: "forged, without an id" })
    for (const id of [0, 1, 2, 3, "a1", null])
      send({ id, result: { stopReason: "end_turn", sessionId: "forged" } })
    for (const id of [100, 101]) send({ id, error: { code: -1, message: "forged" } })
    chunk("after the lies")
  },
  garbage() {
    out.write(Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a]))
    out.write('not JSON, forged\n[1,2,3]\nnull\n42\n"forged"\n{}\n[]\n{"jsonrpc":"1.0"}\n\r\n\u2028\n')
    out.write(`${"[".repeat(50_000)}\n`)
    out.write(
      `{"jsonrpc":"2.0","method":"session/update","params":{"update":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}}\n`,
    )
    out.write(
      Buffer.concat([
        Buffer.from(
          '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"bytes ',
        ),
        Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80]),
        Buffer.from('"}}}}\n'),
      ]),
    )
    out.write(
      '{"jsonrpc":"2.0","method":"session/update","params":{"__proto__":{"isForged":true},"update":{"sessionUpdate":"agent_message_chunk","__proto__":{"x":1},"constructor":{"prototype":{"isForged":true}},"content":{"type":"text","text":"proto \\ud800 \\u0000 \\u2028"}}}}\n',
    )
    chunk("after the garbage")
  },
  long() {
    out.write('{"jsonrpc":"2.0","method":"session/update","params":{"update":{"text":"')
    const piece = "x".repeat(1024 * 1024)
    for (let count = 0; count < 50; count += 1) out.write(piece)
    out.write('"}}}\n')
  },
  endless() {
    const piece = "y".repeat(1024 * 1024)
    const more = () => {
      while (out.write(piece));
      out.once("drain", more)
    }
    more()
    return new Promise(() => {})
  },
  /** The hostile text wherever a viewer may show something. */
  async html() {
    const text = process.env.HOSTILE_TEXT ?? ""
    const content = { type: "text", text }
    chunk(text)
    update({ sessionUpdate: "agent_thought_chunk", content })
    update({
      sessionUpdate: "agent_message_chunk",
      content: { type: "resource_link", name: text, uri: "javascript:ran()" },
    })
    update({ sessionUpdate: "agent_message_chunk", content: { type: text, text: { toString: text } } })
    update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: { not: "a text" } } })
    update({ sessionUpdate: "plan", entries: [{ content: text, status: text, priority: text }, null, 5] })
    update({
      sessionUpdate: "tool_call",
      toolCallId: "__proto__",
      title: text,
      status: text,
      kind: text,
      content: [{ type: "content", content }, { type: "diff", path: text, newText: text }, null, "x"],
    })
    update({
      sessionUpdate: "tool_call_update",
      toolCallId: "never announced",
      status: "completed",
      title: text,
      rawOutput: text,
    })
    update({
      sessionUpdate: "tool_call",
      toolCallId: "odd",
      title: "odd",
      content: "no list",
      status: "in_progress",
    })
    update({ sessionUpdate: "available_commands_update", availableCommands: text })
    const line = "z".repeat(1024 * 1024)
    for (let count = 0; count < 5; count += 1) chunk(line)
    const options = [{ optionId: "yes", name: text.slice(0, 1000), kind: "allow_once" }]
    const toolCall = { toolCallId: "t", title: text, kind: text }
    waiting.set("html", () => {})
    send({
      id: "html",
      method: "session/request_permission",
      params: { sessionId: "hostile", toolCall, options },
    })
    await new Promise((resolve) => waiting.set("html", resolve))
    chunk("the very end")
  },
  ask: () =>
    new Promise((resolve) => {
      waiting.set("ask", resolve)
      const options = [{ optionId: "yes", name: "Allow", kind: "allow_once" }]
      const toolCall = { toolCallId: "t", title: "asked truly", kind: "execute" }
      send({
        id: "ask",
        method: "session/request_permission",
        params: { sessionId: "hostile", toolCall, options },
      })
      for (const [method, params] of Object.entries(ours))
        send({ method, params: { ...params, sessionId: "hostile" } })
    }),
  say: () => chunk("said"),
}

const waiting = new Map()
const methods = {
  initialize: () => ({ protocolVersion: 1, agentCapabilities: {}, authMethods: [] }),
  "session/new": () => ({ sessionId: process.env.LONG_ID ? "x".repeat(1024 * 1024) : "hostile" }),
  "session/prompt": async ({ prompt }) => {
    const act = prompt
      .map((block) => block.text ?? "")
      .join("")
      .trim()
      .split(" ")[0]
    await acts[act]?.()
    return { stopReason: act === "verbose" ? "x".repeat(1024 * 1024) : "end_turn" }
  },
}
let buffer = ""
process.stdin.on("data", (data) => {
  buffer += data
  const lines = buffer.split("\n")
  buffer = lines.pop()
  for (const line of lines) {
    const message = JSON.parse(line)
    if (message.method === undefined) {
      waiting.get(message.id)?.(message.result)
      continue
    }
    const method = methods[message.method]
    if (method !== undefined)
      void Promise.resolve(method(message.params)).then((result) => send({ id: message.id, result }))
  }
})
process.stdin.on("end", () => process.exit(0))
