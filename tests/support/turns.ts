import type { Entry } from "@berth/protocol"
import type { ApiClient } from "./api-client.ts"
import { isNotification } from "./api-client.ts"

/** What a log says became of one prompt. */
export interface PromptFate {
  readonly seq: number
  readonly started: number
  readonly outcomes: readonly string[]
}

/** Every prompt of a log, in order, with the turns it got. */
export function promptFates(entries: readonly Entry[]): readonly PromptFate[] {
  const fates = new Map<number, { seq: number; started: number; outcomes: string[] }>()
  for (const entry of entries) {
    if (entry.type === "client_message" && entry.message.method === "session/prompt")
      fates.set(entry.seq, { seq: entry.seq, started: 0, outcomes: [] })
    if (entry.type !== "notification") continue
    const { notification } = entry
    if (notification.method === "_berth/turn_started") {
      const fate = fates.get(notification.params.commandSeq)
      if (fate !== undefined) fate.started += 1
    }
    if (notification.method === "_berth/turn_ended")
      fates.get(notification.params.commandSeq)?.outcomes.push(notification.params.outcome)
  }
  return [...fates.values()]
}

export function seqsOf(entries: readonly Entry[]): readonly number[] {
  return entries.map((entry) => entry.seq)
}

/** 1, 2, … as many as there are entries: what `seqsOf` a whole log has to be. */
export function dense(entries: readonly Entry[]): readonly number[] {
  return entries.map((_, index) => index + 1)
}

/** Fits the end of the turn of the prompt at `commandSeq`, whatever it was. */
export function endOf(commandSeq: number): (entry: Entry) => boolean {
  return (entry) => isNotification(entry, "_berth/turn_ended", { commandSeq })
}

/** Waits for the end of the prompt's turn and answers with its outcome. */
export async function outcomeOf(
  api: ApiClient,
  id: string,
  commandSeq: number,
  timeoutMs = 20_000,
): Promise<string> {
  const entry = await api.waitFor(id, endOf(commandSeq), { after: commandSeq, timeoutMs })
  if (entry.type !== "notification" || entry.notification.method !== "_berth/turn_ended")
    throw new Error("no turn_ended")
  return entry.notification.params.outcome
}

/** The first open question after a seq. */
export async function questionOf(api: ApiClient, id: string, after = 0): Promise<string> {
  const entry = await api.waitFor(id, (each) => isNotification(each, "_berth/question"), { after })
  if (entry.type !== "notification" || entry.notification.method !== "_berth/question")
    throw new Error("no question")
  return entry.notification.params.questionId
}
