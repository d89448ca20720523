import { isBlobHash, limits } from "@berth/protocol"
import type { LogState } from "../ports/event-log.ts"
import type { SessionRecord } from "../ports/session-store.ts"
import type { Attachment } from "./runner-link.ts"

/** Pure. What a runner is told when it attaches. */
export function readAttachment(from: {
  readonly record: SessionRecord
  readonly state: LogState
  readonly env: Readonly<Record<string, string>>
  readonly generation: number
}): Attachment {
  const { record, state, env, generation } = from
  const { spec } = record
  const { head } = state
  return {
    session: {
      sessionId: record.id,
      model: spec.model,
      mode: spec.mode,
      instructions: spec.instructions,
      permissions: spec.permissions,
      trustWorkspace: spec.trustWorkspace,
      network: spec.network,
      budget: spec.budget,
      permissionHoldMs: spec.permissionHoldMs,
      limits: spec.limits,
      env,
    },
    headSeq: state.headSeq,
    lastN: state.lastN[generation] ?? 0,
    commands: head.commands,
    openTurn: head.turn === null ? null : { turnId: head.turn.turnId, commandSeq: head.turn.commandSeq },
    openQuestions: head.questions,
    agentSessionId: head.agentSessionId,
    snapshot:
      head.snapshot !== null && isBlobHash(head.snapshot.manifest)
        ? { manifest: head.snapshot.manifest, seq: head.snapshot.seq }
        : null,
    leaseTtlMs: limits.leaseTtlMs,
  }
}
