import type {
  AnyMessage,
  InitializeResponse,
  LoadSessionRequest,
  LoadSessionResponse,
  NewSessionRequest,
  NewSessionResponse,
  PromptRequest,
} from "@agentclientprotocol/sdk"
import type { AgentHandlers, PromptBlock } from "@berth/core"
import { packageVersion } from "./package-version.ts"

/** The longest message an agent may send: a tool's whole output, an image. Its connection ends at more. */
const messageBytesMax = 32 * 1024 * 1024

export interface AcpWire {
  initialize(): Promise<InitializeResponse>
  newSession(request: NewSessionRequest): Promise<NewSessionResponse>
  loadSession(request: LoadSessionRequest): Promise<LoadSessionResponse>
  prompt(sessionId: string, blocks: readonly PromptBlock[]): Promise<{ readonly stopReason: string }>
  cancel(sessionId: string): Promise<void>
  setMode(sessionId: string, modeId: string): Promise<void>
  setConfigOption(sessionId: string, configId: string, value: string | boolean): Promise<void>
  readonly isClosed: () => boolean
  /** Why it closed, in words. */
  readonly closed: Promise<string>
}

/** An ACP v1 connection as its client. We offer no file system and no terminal: the sandbox has both. */
export async function connectAcp(options: {
  readonly stdin: WritableStream<Uint8Array>
  readonly stdout: ReadableStream<Uint8Array>
  readonly handlers: AgentHandlers
}): Promise<AcpWire> {
  // Loaded while the agent's own process starts.
  const acp = await import("@agentclientprotocol/sdk")
  const { handlers } = options
  const stream = acp.ndJsonStream(options.stdin, options.stdout, { maxMessageBytes: messageBytesMax })
  const readable = stream.readable.pipeThrough(takeUpdates(handlers))
  const { client } = acp.methods
  const connection = acp
    .client({ name: "berth" })
    .onRequest(client.session.requestPermission, async ({ params, signal }) => {
      const { toolCall, options: choices } = params
      const optionId = await handlers.requestPermission(
        { toolCall: { ...toolCall }, options: choices },
        signal,
      )
      return { outcome: optionId === null ? { outcome: "cancelled" } : { outcome: "selected", optionId } }
    })
    .onRequest(client.elicitation.create, async ({ params, signal }) => {
      if (params.mode !== "form" || !("requestedSchema" in params)) return { action: "decline" }
      const schema = params.requestedSchema as Readonly<Record<string, unknown>>
      const content = await handlers.fillForm({ message: params.message, schema }, signal)
      return content === null ? { action: "cancel" } : { action: "accept", content }
    })
    .connect({ readable, writable: stream.writable })
  const { agent, signal } = connection
  const { agent: methods } = acp.methods

  return {
    initialize: async () => {
      const answer = await agent.request(methods.initialize, {
        protocolVersion: 1,
        clientInfo: { name: "berth", version: packageVersion },
        clientCapabilities: {
          fs: { readTextFile: false, writeTextFile: false },
          terminal: false,
          elicitation: { form: {} },
        },
      })
      if (answer.protocolVersion === 1) return answer
      throw new Error(`The agent speaks ACP version ${answer.protocolVersion}; this server speaks version 1.`)
    },
    newSession: (request) => agent.request(methods.session.new, request),
    loadSession: (request) => agent.request(methods.session.load, request),
    prompt: (sessionId, blocks) =>
      agent.request(methods.session.prompt, { sessionId, prompt: blocks as PromptRequest["prompt"] }),
    cancel: (sessionId) => agent.notify(methods.session.cancel, { sessionId }),
    setMode: async (sessionId, modeId) => {
      await agent.request(methods.session.setMode, { sessionId, modeId })
    },
    setConfigOption: async (sessionId, configId, value) => {
      const chosen = typeof value === "boolean" ? { type: "boolean" as const, value } : { value }
      await agent.request(methods.session.setConfigOption, { sessionId, configId, ...chosen })
    },
    isClosed: () => signal.aborted,
    closed: connection.closed.then(() => String(signal.reason)),
  }
}

/**
 * Takes updates out of the stream before the SDK sees them: as the agent sent them, `_meta` and additions
 * included, in order with the answers that follow, and without trying every schema on each of thousands.
 */
function takeUpdates(handlers: AgentHandlers): TransformStream<AnyMessage, AnyMessage> {
  return new TransformStream({
    transform(message, controller) {
      if (!("method" in message) || "id" in message || message.method !== "session/update") {
        return controller.enqueue(message)
      }
      const { params } = message
      handlers.update(
        typeof params === "object" && params !== null && "update" in params ? params.update : null,
      )
    },
  })
}
