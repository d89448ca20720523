import { createHead, reduceHead, decodeEntry, type Head } from "@berth/core"
import type { Entry, SessionId } from "@berth/protocol"
import type { ClientRecord } from "./client.ts"
import type { AgentRecord } from "./scripted-agent.ts"

/** Invariants 1 to 4 of one finished log, held against what clients and agents know to be true. */
export function checkLog(options: {
  readonly sessionId: SessionId
  readonly lines: readonly string[]
  readonly head: Head
  readonly readers: readonly (readonly string[])[]
  readonly clients: ClientRecord
  readonly agents: AgentRecord
}): readonly string[] {
  const entries = options.lines.map(decodeEntry)
  return [
    ...checkOrder(entries),
    ...checkReaders(options.lines, options.readers),
    ...checkHead(options.sessionId, entries, options.head),
    ...checkKeys(entries, options.clients),
    ...checkSandboxes(entries),
    ...checkTurns(entries, options),
  ]
}

function checkOrder(entries: readonly Entry[]): string[] {
  const faults: string[] = []
  let epoch = 0
  for (const [index, entry] of entries.entries()) {
    if (entry.seq !== index + 1) faults.push(`entry ${index + 1} has seq ${entry.seq}`)
    if (entry.epoch < epoch) faults.push(`entry ${entry.seq} is of epoch ${entry.epoch}, after ${epoch}`)
    epoch = entry.epoch
  }
  return faults
}

function checkReaders(lines: readonly string[], readers: readonly (readonly string[])[]): string[] {
  return readers.flatMap((seen, reader) =>
    seen.length === lines.length && seen.every((line, index) => line === lines[index])
      ? []
      : [`reader ${reader} has ${seen.length} of ${lines.length} entries, or others`],
  )
}

function checkHead(sessionId: SessionId, entries: readonly Entry[], head: Head): string[] {
  let folded = createHead(sessionId)
  for (const { seq, timestamp, origin, epoch: _epoch, ...body } of entries) {
    folded = reduceHead(folded, { seq, timestamp, origin, body })
  }
  const faults =
    JSON.stringify(folded) === JSON.stringify(head) ? [] : ["the head is not the fold of the log"]
  if (head.commands.length > 0) faults.push(`${head.commands.length} commands were never finished`)
  if (head.turn !== null) faults.push("a turn was never ended")
  return faults
}

/** What was given back was not lost, and nothing is lost twice. */
function checkSandboxes(entries: readonly Entry[]): string[] {
  const ended = new Map<number, string>()
  const faults: string[] = []
  for (const entry of entries) {
    if (entry.type !== "notification" || entry.notification.method !== "_berth/sandbox") continue
    const { generation, state } = entry.notification.params
    const before = ended.get(generation)
    if (before !== undefined) faults.push(`sandbox ${generation} is ${state} after it was ${before}`)
    if (state === "released" || state === "lost") ended.set(generation, state)
  }
  return faults
}

function checkKeys(entries: readonly Entry[], { acknowledged }: ClientRecord): string[] {
  const faults: string[] = []
  const seqOf = new Map<string, number>()
  for (const entry of entries) {
    if (entry.type !== "client_message") continue
    if (seqOf.has(entry.key)) faults.push(`${entry.key} is in the log twice`)
    seqOf.set(entry.key, entry.seq)
  }
  for (const [key, seq] of acknowledged) {
    const found = seqOf.get(key)
    if (found !== undefined && found !== seq) faults.push(`${key} was acknowledged as ${seq} and is ${found}`)
  }
  return faults
}

function checkTurns(
  entries: readonly Entry[],
  { clients, agents }: { clients: ClientRecord; agents: AgentRecord },
): string[] {
  const faults: string[] = []
  const promptOf = new Map([...clients.prompts].map(([text, seq]) => [seq, text]))
  const ended = new Map<number, string[]>()
  const said = new Map<string, string[]>()
  for (const entry of entries) {
    if (entry.type !== "notification") continue
    const { notification } = entry
    if (notification.method === "_berth/turn_ended") {
      const { commandSeq, outcome } = notification.params
      ended.set(commandSeq, [...(ended.get(commandSeq) ?? []), outcome])
    }
    if (notification.method !== "session/update") continue
    const { text } = notification.params.update["content"] as { readonly text: string }
    const prompt = text.slice(0, text.lastIndexOf("/"))
    said.set(prompt, [...(said.get(prompt) ?? []), text])
  }
  for (const [seq, outcomes] of ended) {
    if (outcomes.length > 1) faults.push(`the turn of ${seq} ended as ${outcomes.join(" and ")}`)
    const prompt = promptOf.get(seq)
    if (prompt === undefined || outcomes[0] !== "completed") continue
    const truth = agents.said.get(prompt) ?? []
    const logged = said.get(prompt) ?? []
    if (truth.join() !== logged.join())
      faults.push(`${prompt}: the agent said ${truth.length}, the log has ${logged.length}`)
  }
  for (const [prompt, lines] of said) {
    const truth = agents.said.get(prompt) ?? []
    if (truth.slice(0, lines.length).join() !== lines.join())
      faults.push(`${prompt}: the log doubles or drops chunks`)
  }
  for (const [prompt, times] of agents.delivered) {
    if (times > 1) faults.push(`${prompt} reached an agent ${times} times`)
  }
  return faults
}
