import type { Entry } from "@berth/protocol"
import { EventSource } from "eventsource"

export interface ApiClient {
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<ApiAnswer>
  createSession(body: unknown): Promise<SessionAnswer>
  submit(id: string, method: string, params: unknown, key?: string): Promise<ApiAnswer>
  prompt(id: string, text: string): Promise<number>
  log(id: string): Promise<readonly Entry[]>
  /** Follows from `after` until `until` holds for an entry; resolves with that entry. */
  waitFor(id: string, until: (entry: Entry) => boolean, options?: WaitOptions): Promise<Entry>
}

export interface ApiAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface SessionAnswer extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly log_id: string
}

interface WaitOptions {
  readonly after?: number
  readonly timeoutMs?: number
}

/** What a program has of a server: HTTP, and the unmodified `eventsource` package. */
export function createApiClient(url: string): ApiClient {
  const call: ApiClient["call"] = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as ApiAnswer["body"]) }
  }

  const expectStatus = (answer: ApiAnswer, status: number): ApiAnswer["body"] => {
    if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  const submit: ApiClient["submit"] = (id, method, params, key) =>
    call(
      "POST",
      `/api/sessions/${id}/sync`,
      { jsonrpc: "2.0", method, params },
      key === undefined ? {} : { "idempotency-key": key },
    )

  return {
    call,
    submit,
    async createSession(body) {
      return expectStatus(await call("POST", "/api/sessions", body), 201) as SessionAnswer
    },
    async prompt(id, text) {
      const answer = await submit(id, "session/prompt", { prompt: [{ type: "text", text }] })
      return Number(expectStatus(answer, 202)["seq"])
    },
    async log(id) {
      const response = await fetch(`${url}/api/sessions/${id}/log.ndjson`)
      const text = await response.text()
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Entry)
    },
    waitFor(id, until, options = {}) {
      return new Promise((resolve, reject) => {
        const source = new EventSource(`${url}/api/sessions/${id}/sync?after=${options.after ?? 0}`)
        const finish = (act: () => void): void => {
          clearTimeout(timer)
          source.close()
          act()
        }
        const timer = setTimeout(
          () => finish(() => reject(new Error(`session ${id}: what was waited for did not happen`))),
          options.timeoutMs ?? 20_000,
        )
        source.addEventListener("message", (event) => {
          const entry = JSON.parse(event.data as string) as Entry
          if (until(entry)) finish(() => resolve(entry))
        })
      })
    },
  }
}

/** Whether an entry is the notification `method` whose parameters hold all of `params`. */
export function isNotification(
  entry: Entry,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
): boolean {
  if (entry.type !== "notification" || entry.notification.method !== method) return false
  const given = entry.notification.params as Readonly<Record<string, unknown>>
  return Object.entries(params).every(([name, value]) => given[name] === value)
}

export function chunkText(entry: Entry): string | null {
  if (entry.type !== "notification" || entry.notification.method !== "session/update") return null
  const { update } = entry.notification.params
  if (update.sessionUpdate !== "agent_message_chunk") return null
  const { text } = update.content as { readonly text?: unknown }
  return typeof text === "string" ? text : null
}
