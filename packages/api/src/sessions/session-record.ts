import type { SessionListItem, SessionRecord, SessionView } from "@berth/core"
import type { IsolationReport, SessionSummaryRecord, SessionWireRecord } from "@berth/protocol"

type Listed = Pick<SessionListItem, "status" | "headSeq">

/** Pure. A row of the listing. */
export function toSummary(record: SessionRecord, at: Listed): SessionSummaryRecord {
  const { spec } = record
  return {
    id: record.id,
    session_id: record.id,
    log_id: record.log,
    project: record.project,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    title: spec.title,
    agent: spec.agent,
    language: null,
    persistent: true,
    status: at.status,
    head_seq: at.headSeq,
    metadata: { ...spec.metadata },
  }
}

/** Pure. The whole session. Values of variables are never in it. */
export function toSessionRecord(view: SessionView, isolation: IsolationReport): SessionWireRecord {
  const { record, state } = view
  const { spec } = record
  const { head } = state
  return {
    ...toSummary(record, { status: head.status, headSeq: state.headSeq }),
    last_run_at: "",
    file_count: head.snapshot?.files ?? (head.sandbox === null ? 0 : null),
    total_size_bytes: head.snapshot?.bytes ?? (head.sandbox === null ? 0 : null),
    model: spec.model,
    mode: spec.mode,
    instructions: spec.instructions,
    permissions: spec.permissions,
    trust_workspace: spec.trustWorkspace,
    network: spec.network,
    allowInternetAccess: spec.network === "all",
    budget: spec.budget,
    idle_timeout: spec.idleTimeoutMs / 1000,
    permission_hold: spec.permissionHoldMs / 1000,
    limits: {
      memory_mib: spec.limits.memoryMib,
      cpu: spec.limits.cpu,
      pids: spec.limits.pids,
      disk_mib: spec.limits.diskMib,
    },
    data: {},
    env_names: [...spec.envNames],
    usage: head.usage,
    budget_exhausted: head.isBudgetExhausted,
    questions: head.questions.map((question) => ({
      question_id: question.questionId,
      kind: question.kind,
      message: question.message,
      options: [...question.options],
      seq: question.seq,
      expires_at: question.expiresAt,
      expired: question.isExpired,
    })),
    turn:
      head.turn === null
        ? null
        : { turn_id: head.turn.turnId, command_seq: head.turn.commandSeq, started_at: head.turn.startedAt },
    last_turn:
      head.lastTurn === null ? null : { turn_id: head.lastTurn.turnId, outcome: head.lastTurn.outcome },
    pending_commands: head.commands.length,
    sandbox: head.sandbox,
    snapshot:
      head.snapshot === null
        ? null
        : { manifest: head.snapshot.manifest, seq: head.snapshot.seq, fuzzy: head.snapshot.isFuzzy },
    ...(head.pipelineStage === null ? {} : { pipeline_stage: head.pipelineStage }),
    isolation: { ...isolation, limits: { ...isolation.limits } },
  }
}
