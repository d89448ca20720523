import { z } from "zod"
import { acpUpdate } from "./acp-update.ts"
import { blobHashPattern } from "./ids.ts"
import { jsonValue } from "./json-value.ts"
import { answer, questionKinds, questionOption } from "./question.ts"
import { budget, networkPolicy, permissionPolicy } from "./session.ts"

/** Session status; closed list. `awaiting_input` only while a question is open. */
export const sessionStatuses = [
  "created",
  "provisioning",
  "idle",
  "running",
  "awaiting_input",
  "failed",
  "closed",
] as const
export type SessionStatus = (typeof sessionStatuses)[number]

export const turnOutcomes = ["completed", "cancelled", "failed", "interrupted", "lost"] as const
export type TurnOutcome = (typeof turnOutcomes)[number]

export const sandboxStates = ["created", "attached", "lost", "released", "restored"] as const
export const agentStates = ["starting", "connected", "exited"] as const
export const commandStates = ["accepted", "delivered", "done", "declined"] as const
export const artifactTypes = ["image", "image-grid", "video", "video-grid", "file"] as const

const hash = z.string().regex(blobHashPattern)
const count = z.number().int().min(0)
const sessionId = z.string()
const path = z.string().min(1).max(4096)

export const usageNumbers = z.object({
  inputTokens: count.optional(),
  outputTokens: count.optional(),
  cacheReadTokens: count.optional(),
  cacheWriteTokens: count.optional(),
  usd: z.number().min(0).optional(),
})
export type UsageNumbers = z.infer<typeof usageNumbers>

/** Parameters of every notification in the log, by method. `session/update` is ACP's; the rest ours. */
export const notificationParams = {
  "session/update": z.looseObject({ sessionId, update: acpUpdate }),
  "_berth/session_state": z.object({
    sessionId,
    status: z.enum(sessionStatuses),
    detail: z.string().optional(),
    pipeline_stage: z.string().optional(),
  }),
  /** What a PATCH changed that a running session goes by; absent fields stay. */
  "_berth/session_updated": z.object({
    sessionId,
    permissions: permissionPolicy.optional(),
    permissionHoldMs: count.optional(),
    network: networkPolicy.optional(),
    budget: budget.nullable().optional(),
  }),
  "_berth/agent_state": z.object({
    sessionId,
    state: z.enum(agentStates),
    detail: z.string().optional(),
    /** The agent's own conversation id, kept so that a replaced sandbox can load it. */
    agentSessionId: z.string().optional(),
    /** Whether the conversation of an earlier sandbox was loaded. */
    resumed: z.boolean().optional(),
    exitCode: z.number().int().nullable().optional(),
  }),
  "_berth/sandbox": z.object({
    sessionId,
    state: z.enum(sandboxStates),
    generation: count,
    isolation: z.looseObject({ level: z.string() }).optional(),
    lastN: count.optional(),
    snapshotSeq: count.optional(),
    reason: z.string().optional(),
  }),
  "_berth/setup": z.object({
    sessionId,
    status: z.enum(["pending", "running", "completed", "failed"]),
    step: z.string().optional(),
    package: z.string().optional(),
    output: z.string().optional(),
  }),
  "_berth/turn_started": z.object({ sessionId, turnId: z.string(), commandSeq: count }),
  "_berth/turn_ended": z.object({
    sessionId,
    turnId: z.string(),
    commandSeq: count,
    outcome: z.enum(turnOutcomes),
    stopReason: z.string().optional(),
    error: z.string().optional(),
  }),
  "_berth/command_state": z.object({
    sessionId,
    commandSeq: count,
    state: z.enum(commandStates),
    reason: z.string().optional(),
  }),
  "_berth/run_started": z.object({ sessionId, runId: z.string(), language: z.string() }),
  "_berth/run_output": z.object({
    sessionId,
    runId: z.string(),
    stream: z.enum(["stdout", "stderr"]),
    text: z.string(),
  }),
  "_berth/run_ended": z.looseObject({ sessionId, runId: z.string() }),
  "_berth/question": z.looseObject({
    sessionId,
    questionId: z.string().min(1).max(256),
    kind: z.enum(questionKinds),
    message: z.string(),
    options: z.array(questionOption).max(100),
    /** ISO time; null when it waits for as long as it takes. */
    expiresAt: z.string().nullable(),
    turnId: z.string().optional(),
    /** The tool call asked about, as ACP describes it. */
    toolCall: z.looseObject({ toolCallId: z.string() }).optional(),
    stage: z.string().optional(),
    artifacts: z.array(z.string()).optional(),
    isFinal: z.boolean().optional(),
  }),
  /** Nothing holds the agent any longer; a later answer starts a new turn. */
  "_berth/question_expired": z.object({ sessionId, questionId: z.string() }),
  "_berth/question_resolved": z.object({
    sessionId,
    questionId: z.string(),
    /** Null when nobody answered: the turn was cancelled or lost. */
    answer: answer.nullable(),
    by: z.string(),
    reason: z.string().optional(),
    /**
     * What was asked, and the name of the option chosen, for one who meets the answer without the
     * question: the runner of a later sandbox tells its agent with these.
     */
    kind: z.enum(questionKinds).optional(),
    message: z.string().optional(),
    choice: z.string().optional(),
  }),
  "_berth/artifact": z.looseObject({
    sessionId,
    path,
    type: z.enum(artifactTypes),
    hash,
    size: count,
    url: z.string().optional(),
    title: z.string().optional(),
    contentType: z.string().optional(),
    stage: z.string().optional(),
    index: count.optional(),
  }),
  "_berth/file_changed": z.object({
    sessionId,
    path,
    hash: hash.nullable(),
    mode: count.optional(),
    size: count.optional(),
    by: z.string(),
  }),
  "_berth/file_conflict": z.object({ sessionId, path, kept: hash.nullable(), beside: z.string() }),
  "_berth/snapshot": z.object({
    sessionId,
    snapshotId: z.string(),
    /** Hash of the manifest blob. */
    manifest: hash,
    files: count,
    bytes: count,
    fuzzy: z.boolean().optional(),
    /** Paths that are not in it, with the reason: special files, over the limit, changed while read. */
    skipped: z.array(z.object({ path: z.string(), reason: z.string() })).optional(),
    skippedCount: count.optional(),
  }),
  "_berth/usage": z.object({
    sessionId,
    callId: z.string(),
    upstream: z.string(),
    model: z.string().optional(),
    usage: usageNumbers,
    /** The upstream did not say; charged is what was reserved or seen. */
    estimated: z.boolean().optional(),
    total: usageNumbers.optional(),
  }),
  "_berth/budget": z.object({
    sessionId,
    state: z.enum(["ok", "exhausted"]),
    limit: z.record(z.string(), z.number()),
    spent: z.record(z.string(), z.number()),
  }),
  "_berth/model_stream_cut": z.object({ sessionId, upstream: z.string(), reason: z.string() }),
  "_berth/output_truncated": z.object({ sessionId, source: z.string(), droppedBytes: count }),
  "_berth/salvage": z.object({ sessionId, generation: count, entries: count, manifest: hash.optional() }),
  "_berth/forked": z.object({ sessionId, from: z.string(), asked: count, at: count }),
  "_berth/error": z.object({
    sessionId,
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), jsonValue).optional(),
  }),
} as const

export type NotificationMethod = keyof typeof notificationParams
export type NotificationParams<Method extends NotificationMethod> = z.infer<
  (typeof notificationParams)[Method]
>

export type Notification = {
  [Method in NotificationMethod]: {
    readonly jsonrpc: "2.0"
    readonly method: Method
    readonly params: NotificationParams<Method>
  }
}[NotificationMethod]

/**
 * What a runner may append (DESIGN.md, "Trust"). Everything else, usage, budget, answers, sandbox and
 * session state, comes from our side alone.
 */
export const runnerMethods = [
  "session/update",
  "_berth/agent_state",
  "_berth/setup",
  "_berth/turn_started",
  "_berth/turn_ended",
  "_berth/command_state",
  "_berth/run_started",
  "_berth/run_output",
  "_berth/run_ended",
  "_berth/question",
  "_berth/artifact",
  "_berth/file_changed",
  "_berth/file_conflict",
  "_berth/snapshot",
  "_berth/output_truncated",
  "_berth/error",
] as const satisfies readonly NotificationMethod[]

export type RunnerMethod = (typeof runnerMethods)[number]
