import type { Socket } from "node:net"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js"
import type { AgentTools, ToolResult } from "@berth/core"
import { artifactTypes } from "@berth/protocol"
import { z } from "zod"
import { packageVersion } from "./package-version.ts"

const messageBytesMax = 1024 * 1024

const message = z.string().min(1).max(50_000)
const choices = z.array(z.string().min(1).max(1024)).max(50)
const path = z.string().min(1).max(4096)
const stage = z.string().max(256)

/** Serves the tools on one connection, in newline-delimited JSON, until it closes. */
export async function serveTools(socket: Socket, tools: AgentTools): Promise<void> {
  const closed = new AbortController()
  socket.once("close", () => closed.abort())
  const server = new McpServer({ name: "berth", version: packageVersion })
  server.registerTool(
    "checkpoint",
    {
      description:
        "Record a point at which people have to decide before you go on, and show them what to look at. " +
        "It returns at once. End your turn right after it: the decision comes as your next prompt.",
      inputSchema: {
        message: message.describe("What has been done, and what is to be decided."),
        stage: stage.optional().describe("Name of the stage of work this ends."),
        artifacts: z.array(path).max(100).optional().describe("Workspace paths of files to look at."),
        options: choices.optional().describe("Choices; by default approve and reject."),
        isFinal: z.boolean().optional().describe("Whether this is the last checkpoint of the work."),
      },
    },
    async (input) => answer(await tools.checkpoint(input)),
  )
  server.registerTool(
    "publish_artifact",
    {
      description: "Show a file of the workspace to people as a result: an image, a video, a document.",
      inputSchema: {
        path: path.describe("The file's path in the workspace."),
        type: z.enum(artifactTypes).optional().describe("How to show it; by default from the file's name."),
        title: z.string().max(1024).optional(),
        stage: stage.optional(),
      },
    },
    async (input) => answer(await tools.publishArtifact(input)),
  )
  server.registerTool(
    "ask_user",
    {
      description:
        "Ask the people a question and wait a while for the answer. When nobody answers in time, end your " +
        "turn: the answer comes as your next prompt.",
      inputSchema: {
        message: message.describe("The question."),
        options: choices.optional().describe("Answers to choose from; words of their own are possible too."),
      },
    },
    async (input, { signal }) => {
      const until = AbortSignal.any([signal, closed.signal])
      return answer(await tools.askUser(input, until))
    },
  )
  // Whoever sends more than a message may hold is not listened to any longer, and should know.
  server.server.onclose = () => socket.destroy()
  await server.connect(new StdioServerTransport(socket, socket, { maxBufferSize: messageBytesMax }))
  socket.once("close", () => void server.close())
}

function answer({ text, isError }: ToolResult) {
  return { content: [{ type: "text" as const, text }], isError }
}
