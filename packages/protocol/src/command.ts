import { z } from "zod"
import { answer } from "./question.ts"
import { blobHashPattern } from "./ids.ts"

/**
 * What clients submit: JSON-RPC 2.0 messages. `session/*` are ACP's own; `_berth/*` are ours.
 * `params.sessionId` is optional on input and filled in by the server.
 */
const contentBlock = z.looseObject({ type: z.string().max(64) })
const sessionId = z.string().optional()

const promptParams = z.object({
  sessionId,
  prompt: z.array(contentBlock).min(1).max(1000),
  /** Goes into the running turn where the agent can; otherwise it queues. */
  steer: z.boolean().optional(),
})

export const commandParams = {
  "session/prompt": promptParams,
  "session/cancel": z.object({ sessionId }),
  "session/set_mode": z.object({ sessionId, modeId: z.string().min(1).max(256) }),
  "session/set_config_option": z.object({
    sessionId,
    configId: z.string().min(1).max(256),
    value: z.union([z.string().max(4096), z.boolean()]),
  }),
  "_berth/answer": answer.extend({ sessionId, questionId: z.string().min(1).max(256) }),
  "_berth/file_change": z.object({
    sessionId,
    path: z.string().min(1).max(4096),
    hash: z.string().regex(blobHashPattern).nullable(),
    baseHash: z.string().regex(blobHashPattern).nullable(),
    mode: z.number().int().min(0).max(0o777).optional(),
  }),
  /** Submitted by the server when a session is idle: stop the agent, snapshot, give the sandbox back. */
  "_berth/release": z.object({ sessionId, reason: z.string().max(1024) }),
  "_berth/close": z.object({ sessionId }),
} as const

export type CommandMethod = keyof typeof commandParams
export type CommandParams<Method extends CommandMethod> = z.infer<(typeof commandParams)[Method]>

export type Command = {
  [Method in CommandMethod]: {
    readonly jsonrpc: "2.0"
    readonly id?: string | number | null
    readonly method: Method
    readonly params: CommandParams<Method>
  }
}[CommandMethod]

export function isCommandMethod(method: string): method is CommandMethod {
  return Object.hasOwn(commandParams, method)
}

/** Methods a client may send; `_berth/release` comes from the server alone. */
export const clientMethods: readonly CommandMethod[] = [
  "session/prompt",
  "session/cancel",
  "session/set_mode",
  "session/set_config_option",
  "_berth/answer",
  "_berth/file_change",
  "_berth/close",
]

/** Other names a client may use, from the ancestors and from earlier drafts of the contract. */
export const methodAliases: Readonly<Record<string, CommandMethod>> = {
  "_posthog/user_message": "session/prompt",
  "_berth/permission_response": "_berth/answer",
  "_berth/checkpoint_response": "_berth/answer",
  "_posthog/cancel": "session/cancel",
  "_posthog/close": "_berth/close",
}
