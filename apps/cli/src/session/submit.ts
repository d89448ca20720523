import { randomUUID } from "node:crypto"
import { submitted, type Answer, type CommandMethod } from "@berth/protocol"
import type { BerthApi } from "../api/berth-api.ts"
import { retrying } from "../api/retrying.ts"

/** How long a command is repeated while the server is away. */
const repeatForMs = 120_000

/** Sends commands to one session; each has a key, so that a repeat is the same command. */
export interface Submitter {
  prompt(text: string): Promise<number>
  cancel(): Promise<number>
  answer(questionId: string, answer: Answer): Promise<number>
  isOwnKey(key: string): boolean
}

export function createSubmitter(
  api: BerthApi,
  options: { readonly sessionId: string; readonly signal: AbortSignal },
): Submitter {
  const { sessionId, signal } = options
  const keys = new Set<string>()

  const submit = async (
    method: CommandMethod,
    params: Readonly<Record<string, unknown>>,
  ): Promise<number> => {
    const key = `cli-${randomUUID()}`
    keys.add(key)
    const body = { jsonrpc: "2.0", method, params }
    const request = () =>
      api.request(submitted, "POST", `/api/sessions/${sessionId}/sync`, { body, idempotencyKey: key, signal })
    return (await retrying(request, { signal, forMs: repeatForMs })).seq
  }

  return {
    prompt: (text) => submit("session/prompt", { prompt: [{ type: "text", text }] }),
    cancel: () => submit("session/cancel", {}),
    answer: (questionId, answer) => submit("_berth/answer", { questionId, ...answer }),
    isOwnKey: (key) => keys.has(key),
  }
}
