import { limits } from "@berth/protocol"
import type { RunnerInfo } from "../ports/runner-host.ts"
import { hasSandbox, type Head, type OpenQuestion } from "./head.ts"

/** All that `decide` goes by, read in one go. Times in milliseconds. */
export interface Observation {
  readonly now: number
  readonly head: Head
  readonly isClosed: boolean
  /** The session was deleted: only its tombstone is left. */
  readonly isDeleted: boolean
  readonly hasLiveLease: boolean
  /** How long a sandbox that should have a runner has had no live lease; 0 when it has one. */
  readonly unattendedMs: number
  readonly runners: readonly RunnerInfo[]
  readonly idleTimeoutMs: number
  /** Sandboxes in a row that ended before any runner attached. */
  readonly failedStarts: number
}

export type Action =
  | { readonly type: "provision"; readonly generation: number }
  | { readonly type: "mark_lost"; readonly generation: number; readonly reason: string }
  | { readonly type: "remove_runner"; readonly generation: number }
  | { readonly type: "expire_question"; readonly questionId: string }
  | { readonly type: "settle_question"; readonly questionId: string; readonly reason: string }
  | { readonly type: "request_release"; readonly reason: string }
  | { readonly type: "finish_commands"; readonly seqs: readonly number[]; readonly reason: string }
  | { readonly type: "fail"; readonly reason: string }
  | { readonly type: "close" }
  | { readonly type: "bury" }

export interface Decision {
  readonly actions: readonly Action[]
  /** When to look again though nothing happened; null when nothing is due. */
  readonly wakeAt: number | null
}

/** After so many failed starts in a row the waiting commands are declined, and the session has failed. */
export const maxFailedStarts = 3

/**
 * `reconcile` holds a lease itself only for a few writes in a row, and revives none. Short, because a
 * session waits for as long when a server dies between them.
 */
export const ownHoldMs = 2_000

/** A runner that lives but cannot reach us is given this long before its sandbox is called lost. */
export const unattendedPatienceMs = 4 * limits.leaseTtlMs

/** Pure. What has to be done for a session, from what its log says and what exists. */
export function decide(seen: Observation): Decision {
  if (seen.isDeleted) return { actions: [...removeRunners(seen.runners), { type: "bury" }], wakeAt: null }
  if (seen.isClosed) return { actions: removeRunners(seen.runners), wakeAt: null }
  const strays = removeRunners(seen.runners.filter((runner) => isStray(seen.head, runner)))
  const questions = decideQuestions(seen)
  const rest = hasSandbox(seen.head) ? decideWithSandbox(seen) : decideWithoutSandbox(seen)
  return {
    actions: [...strays, ...questions.actions, ...rest.actions],
    wakeAt: earliest(questions.wakeAt, rest.wakeAt),
  }
}

function decideWithSandbox(seen: Observation): Decision {
  const generation = seen.head.sandbox?.generation ?? 0
  const runner = seen.runners.find((candidate) => candidate.generation === generation)
  if (runner === undefined || !runner.isAlive) {
    return only({ type: "mark_lost", generation, reason: "the sandbox's supervisor is gone" })
  }
  if (!seen.hasLiveLease) {
    const isStarting = seen.head.sandbox?.state === "created"
    const patienceMs = isStarting ? limits.provisionTimeoutMs : unattendedPatienceMs
    if (seen.unattendedMs < patienceMs) return later(seen.now + patienceMs - seen.unattendedMs)
    return only({ type: "mark_lost", generation, reason: `no sign of life for ${patienceMs / 1000} s` })
  }
  if (seen.head.sandbox?.state === "created") return later(seen.now + limits.leaseTtlMs)
  return decideIdle(seen)
}

function decideIdle(seen: Observation): Decision {
  const { head } = seen
  const isHeld = head.questions.some((question) => question.kind !== "checkpoint" && !question.isExpired)
  if (head.turn !== null || head.commands.length > 0 || isHeld) return later(seen.now + limits.leaseTtlMs)
  const since = Math.max(time(head.lastActivityAt), time(head.sandbox?.since ?? null))
  const dueAt = since + seen.idleTimeoutMs
  if (dueAt > seen.now) return later(Math.min(dueAt, seen.now + limits.leaseTtlMs))
  return only({ type: "request_release", reason: `idle for ${seen.idleTimeoutMs / 1000} s` })
}

function decideWithoutSandbox(seen: Observation): Decision {
  const { commands, turn } = seen.head
  if (commands.length === 0 && turn === null) return { actions: [], wakeAt: null }
  if (commands.some((command) => command.method === "_berth/close")) return only({ type: "close" })
  // Left behind by a generation that ended between two entries of its last batch.
  const interrupted = commands.filter((command) => command.state !== "queued")
  if (interrupted.length > 0 || turn !== null) {
    const generation = seen.head.sandbox?.generation ?? 0
    return only({ type: "mark_lost", generation, reason: "the turn was left open" })
  }
  const pointless = commands.filter(
    ({ method }) => method === "session/cancel" || method === "_berth/release",
  )
  if (pointless.length > 0) {
    const seqs = pointless.map((command) => command.seq)
    return only({ type: "finish_commands", seqs, reason: "no turn is open" })
  }
  if (seen.failedStarts >= maxFailedStarts) {
    return only({ type: "fail", reason: `no sandbox started in ${seen.failedStarts} attempts` })
  }
  if (seen.hasLiveLease) return later(seen.now + ownHoldMs)
  return only({ type: "provision", generation: (seen.head.sandbox?.generation ?? 0) + 1 })
}

function decideQuestions(seen: Observation): Decision {
  const actions: Action[] = []
  let wakeAt: number | null = null
  for (const question of seen.head.questions) {
    if (question.isExpired) continue
    const { questionId } = question
    if (isLeftOver(seen.head, question)) {
      // Its hold was over while we were away: nobody refused it, so it can still be answered.
      const isInterrupted = endedInterrupted(seen.head, question)
      actions.push(
        isInterrupted
          ? { type: "expire_question", questionId }
          : { type: "settle_question", questionId, reason: "its turn has ended" },
      )
    } else if (question.expiresAt !== null) {
      const dueAt = time(question.expiresAt)
      if (dueAt <= seen.now) actions.push({ type: "expire_question", questionId })
      else wakeAt = earliest(wakeAt, dueAt)
    }
  }
  return { actions, wakeAt }
}

/** A checkpoint outlives its turn by design; what held the agent ends with the turn. */
function isLeftOver(head: Head, question: OpenQuestion): boolean {
  return question.kind !== "checkpoint" && question.turnId !== null && head.turn?.turnId !== question.turnId
}

function endedInterrupted({ lastTurn }: Head, question: OpenQuestion): boolean {
  return lastTurn?.turnId === question.turnId && lastTurn?.outcome === "interrupted"
}

function isStray(head: Head, runner: RunnerInfo): boolean {
  const current = head.sandbox?.generation ?? 0
  if (runner.generation < current) return true
  return runner.generation === current && !hasSandbox(head)
}

function removeRunners(runners: readonly RunnerInfo[]): Action[] {
  return runners.map(({ generation }) => ({ type: "remove_runner", generation }))
}

function only(action: Action): Decision {
  return { actions: [action], wakeAt: null }
}

function later(wakeAt: number): Decision {
  return { actions: [], wakeAt }
}

function earliest(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right
  return Math.min(left, right)
}

function time(timestamp: string | null): number {
  return timestamp === null ? 0 : Date.parse(timestamp)
}
