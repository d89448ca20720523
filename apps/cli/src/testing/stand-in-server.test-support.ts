import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { once } from "node:events"
import type { AddressInfo, Socket } from "node:net"
import { text } from "node:stream/consumers"

export interface Submitted {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  readonly key: string
  readonly seq: number
}

/** Decides what one request for the stream gets beyond the usual. */
export interface StreamFault {
  /** Cut the connection after so many bytes of entries. */
  readonly cutAfterBytes?: number
  /** Send again what the client says it has. */
  readonly repeat?: number
  /** Leave these entries out. */
  readonly omit?: readonly number[]
}

/**
 * A server as small as it can be that checks what the client sends and answers as the contract says. It
 * can go away and come back on the same port, lose answers, and cut streams in the middle of a frame.
 */
export interface StandIn {
  readonly url: string
  readonly submitted: readonly Submitted[]
  /** `Last-Event-ID` of each request for the stream; null without. */
  readonly resumedFrom: readonly (string | null)[]
  readonly problems: readonly string[]
  append(notification: object): number
  end(reason: string): void
  /** Called with each new command, after its entry was written. */
  onCommand: (command: Submitted) => void
  /** Taken by the next requests for the stream, one each. */
  readonly streamFaults: StreamFault[]
  /** So many answers to commands are lost after the command was kept. */
  loseAnswers: number
  /** Further routes, as `GET /api/keys`, and their answers; the bodies they were sent. */
  readonly answers: Map<string, object | string>
  readonly bodies: unknown[]
  /** Closes every connection and the port. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

const logId = "log_00000000000000000000000001"

export async function startStandIn(options: { readonly record?: object } = {}): Promise<StandIn> {
  const entries: { seq: number; text: string }[] = []
  const submitted: Submitted[] = []
  const problems: string[] = []
  const resumedFrom: (string | null)[] = []
  const readers = new Set<() => void>()
  const sockets = new Set<Socket>()
  let ended: string | null = null
  let sessionId = "s1"

  const write = (entry: object): number => {
    const seq = entries.length + 1
    entries.push({
      seq,
      text: JSON.stringify({ seq, epoch: 1, timestamp: new Date().toISOString(), ...entry }),
    })
    for (const wake of readers) wake()
    return seq
  }
  const json = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  }
  const record = (): object => ({
    ...emptyRecord,
    id: sessionId,
    session_id: sessionId,
    head_seq: entries.length,
    ...(ended === null ? {} : { status: "closed" }),
    ...options.record,
  })

  const submit = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.headers["content-type"] !== "application/json") problems.push("content type")
    const key = String(request.headers["idempotency-key"])
    const { jsonrpc, method, params } = JSON.parse(await text(request)) as Submitted & { jsonrpc: string }
    if (jsonrpc !== "2.0") problems.push("jsonrpc")
    const known = submitted.find((command) => command.key === key)
    const seq =
      known?.seq ?? write({ origin: "client", type: "client_message", message: { method, params }, key })
    if (known === undefined) {
      const command = { method, params, key, seq }
      submitted.push(command)
      standIn.onCommand(command)
    }
    if (standIn.loseAnswers > 0) {
      standIn.loseAnswers -= 1
      request.socket.destroy()
    } else json(response, 202, { seq })
  }

  const stream = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const lastEventId = request.headers["last-event-id"]
    resumedFrom.push(typeof lastEventId === "string" ? lastEventId : null)
    const fault = standIn.streamFaults.shift() ?? {}
    const asked =
      typeof lastEventId === "string" ? lastEventId.replace(`@${logId}`, "") : url.searchParams.get("after")
    if (!/^\d+$/.test(asked ?? "")) problems.push(`cursor ${asked}`)
    let cursor = Math.max(0, Number(asked) - (fault.repeat ?? 0))
    let bytes = 0
    let isCaughtUp = false
    response.writeHead(200, { "content-type": "text/event-stream" })
    response.write("retry: 1000\n: open\n\n")
    while (!response.destroyed) {
      const next = entries[cursor]
      if (next === undefined) {
        if (!isCaughtUp) response.write('event: caught_up\ndata: {"headSeq":1}\n\n')
        isCaughtUp = true
        if (ended !== null) {
          response.end(`event: end\ndata: {"reason":"${ended}"}\n\n`)
          return
        }
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            readers.delete(wake)
            resolve()
          }
          readers.add(wake)
          response.once("close", wake)
        })
        continue
      }
      cursor += 1
      if (fault.omit?.includes(next.seq) === true) continue
      const frame = Buffer.from(`id: ${next.seq}@${logId}\ndata: ${next.text}\n\n`)
      const room = (fault.cutAfterBytes ?? Number.POSITIVE_INFINITY) - bytes
      if (frame.length > room) {
        response.write(frame.subarray(0, room), () => request.socket.destroy())
        return
      }
      bytes += frame.length
      // In two halves, so that a character or a field may lie across them.
      response.write(frame.subarray(0, frame.length >> 1))
      response.write(frame.subarray(frame.length >> 1))
    }
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://localhost")
    const route = `${request.method} ${url.pathname.replace(/^\/api\/sessions\/[^/]+/, "/api/sessions/:id")}`
    switch (route) {
      case "POST /api/sessions":
        sessionId = String((JSON.parse(await text(request)) as { id: unknown }).id)
        return json(response, 201, record())
      case "GET /api/sessions/:id":
        return json(response, 200, record())
      case "POST /api/sessions/:id/sync":
        return submit(request, response)
      case "GET /api/sessions/:id/sync":
        return stream(request, response, url)
      default: {
        const answer = standIn.answers.get(`${request.method} ${url.pathname}`)
        const body = await text(request)
        standIn.bodies.push(body === "" ? null : JSON.parse(body))
        if (typeof answer === "string") return void response.end(answer)
        if (answer !== undefined) return json(response, 200, answer)
        return json(response, 404, {
          error: "Not found",
          code: "not_found",
          message: "There is no such route.",
        })
      }
    }
  }

  const start = async (port: number) => {
    const server = createServer((request, response) => {
      handle(request, response).catch((error: unknown) => {
        problems.push(String(error))
        response.destroy()
      })
    })
    server.on("connection", (socket) => {
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
    })
    server.listen(port, "127.0.0.1")
    await once(server, "listening")
    return server
  }
  let server = await start(0)
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    const closed = once(server, "close")
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  const standIn: StandIn = {
    url: `http://127.0.0.1:${port}`,
    submitted,
    resumedFrom,
    problems,
    streamFaults: [],
    answers: new Map(),
    bodies: [],
    loseAnswers: 0,
    onCommand: () => undefined,
    append: (notification) => write({ origin: "sandbox", type: "notification", notification }),
    end(reason) {
      ended = reason
      for (const wake of readers) wake()
    },
    goAway: stop,
    async comeBack() {
      server = await start(port)
    },
    close: stop,
  }
  return standIn
}

/** What the command line uses of a session's record, and no more. */
export const emptyRecord = {
  created_at: "2026-01-01T00:00:00.000Z",
  title: null,
  agent: "shell",
  status: "idle",
  questions: [],
  turn: null,
}

/** Notifications as a session of these tests has them. */
export const say = {
  text: (text: string) => update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } }),
  thought: (text: string) =>
    update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text } }),
  tool: (toolCallId: string, title: string, status: string) =>
    update({ sessionUpdate: "tool_call", toolCallId, title, status }),
  toolUpdate: (toolCallId: string, changes: object) =>
    update({ sessionUpdate: "tool_call_update", toolCallId, ...changes }),
  turnEnded: (commandSeq: number, outcome: string, more: object = {}) =>
    notify("_berth/turn_ended", { turnId: "t1", commandSeq, outcome, ...more }),
  turnStarted: (commandSeq: number) => notify("_berth/turn_started", { turnId: "t1", commandSeq }),
  question: (questionId: string, kind: string, message: string, more: object = {}) =>
    notify("_berth/question", {
      questionId,
      kind,
      message,
      options: permissionOptions,
      expiresAt: null,
      ...more,
    }),
  resolved: (questionId: string, by: string) =>
    notify("_berth/question_resolved", { questionId, answer: { optionId: "yes" }, by }),
  declined: (commandSeq: number, reason: string) =>
    notify("_berth/command_state", { commandSeq, state: "declined", reason }),
}

export const permissionOptions = [
  { optionId: "yes", name: "Run", kind: "allow_once" },
  { optionId: "always", name: "Always", kind: "allow_always" },
  { optionId: "no", name: "Do not", kind: "reject_once" },
]

function update(acp: object): object {
  return notify("session/update", { update: acp })
}

function notify(method: string, params: object): object {
  return { jsonrpc: "2.0", method, params: { sessionId: "s1", ...params } }
}
