import type { NewEntry } from "../ports/event-log.ts"
import type { Head } from "./head.ts"
import { serverEntry } from "./server-entry.ts"

/**
 * Pure. What is said when a sandbox is lost, so that nothing stays half open: the turn ended `lost`,
 * commands that may have reached the agent finished (they are never sent twice), questions that held
 * it settled. Commands still queued stay for the next sandbox.
 */
export function lostEntries(head: Head, generation: number, reason: string): readonly NewEntry[] {
  const { sessionId, turn } = head
  const entries: NewEntry[] = [
    serverEntry({ method: "_berth/sandbox", params: { sessionId, state: "lost", generation, reason } }),
  ]
  for (const question of head.questions) {
    if (question.kind === "checkpoint" || question.isExpired) continue
    const { questionId } = question
    const params = { sessionId, questionId, answer: null, by: "server", reason: "the sandbox was lost" }
    entries.push(serverEntry({ method: "_berth/question_resolved", params }))
  }
  if (turn !== null) {
    const { turnId, commandSeq } = turn
    const params = { sessionId, turnId, commandSeq, outcome: "lost" as const, error: reason }
    entries.push(serverEntry({ method: "_berth/turn_ended", params }))
  }
  for (const command of head.commands) {
    if (command.state === "queued") continue
    const params = { sessionId, commandSeq: command.seq, state: "done" as const, reason: "lost" }
    entries.push(serverEntry({ method: "_berth/command_state", params }))
  }
  return entries
}
