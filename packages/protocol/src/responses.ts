import { z } from "zod"
import { agentChoice, budget, networkPolicy, permissionPolicy } from "./session.ts"
import { questionKinds, questionOption } from "./question.ts"
import { artifactTypes, sessionStatuses, turnOutcomes, usageNumbers } from "./notification.ts"

/** What the API answers: `execution-api.md`, and "An agent session" of `sync-and-events.md`. */
export const errorBody = z.object({
  error: z.string(),
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
})

const limitReport = z.object({ value: z.number(), mechanism: z.string() })
export const isolationReport = z.object({
  level: z.string(),
  user: z.string(),
  seccomp: z.boolean(),
  limits: z.record(z.string(), limitReport),
})

export const questionRecord = z.object({
  question_id: z.string(),
  kind: z.enum(questionKinds),
  message: z.string(),
  options: z.array(questionOption),
  seq: z.number(),
  expires_at: z.string().nullable(),
  expired: z.boolean(),
})

/** A row of the listing. */
export const sessionSummary = z.object({
  id: z.string(),
  session_id: z.string(),
  log_id: z.string(),
  project: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  title: z.string().nullable(),
  agent: agentChoice.nullable(),
  language: z.string().nullable(),
  persistent: z.boolean(),
  status: z.enum(sessionStatuses),
  head_seq: z.number(),
  metadata: z.record(z.string(), z.unknown()),
})

export const sessionRecord = sessionSummary.extend({
  last_run_at: z.string(),
  /** Files in the newest snapshot and their bytes; null while a sandbox works that none was taken of. */
  file_count: z.number().nullable(),
  total_size_bytes: z.number().nullable(),
  model: z.string().nullable(),
  mode: z.string().nullable(),
  instructions: z.string().nullable(),
  permissions: permissionPolicy,
  trust_workspace: z.boolean(),
  network: networkPolicy,
  allowInternetAccess: z.boolean(),
  budget: budget.nullable(),
  idle_timeout: z.number(),
  permission_hold: z.number(),
  limits: z.record(z.string(), z.number()),
  data: z.record(z.string(), z.unknown()),
  env_names: z.array(z.string()),
  usage: usageNumbers,
  budget_exhausted: z.boolean(),
  questions: z.array(questionRecord),
  turn: z.object({ turn_id: z.string(), command_seq: z.number(), started_at: z.string() }).nullable(),
  last_turn: z.object({ turn_id: z.string(), outcome: z.enum(turnOutcomes) }).nullable(),
  pending_commands: z.number(),
  sandbox: z.object({ generation: z.number(), state: z.string(), since: z.string() }).nullable(),
  snapshot: z.object({ manifest: z.string(), seq: z.number(), fuzzy: z.boolean() }).nullable(),
  pipeline_stage: z.string().optional(),
  isolation: isolationReport,
})
export type SessionSummaryRecord = z.infer<typeof sessionSummary>
export type SessionWireRecord = z.infer<typeof sessionRecord>

export const sessionList = z.object({
  sessions: z.array(sessionSummary),
  count: z.number(),
  total: z.number(),
  next_cursor: z.string().optional(),
})

export const agentRecord = z.object({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  installed: z.boolean(),
  default: z.boolean(),
  install: z.string().nullable(),
})

export const healthRecord = z.object({
  status: z.enum(["healthy", "degraded"]),
  time: z.string(),
  version: z.string(),
  isolation: isolationReport,
  survives_restart: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
})

export const keyRecord = z.object({
  id: z.string(),
  name: z.string(),
  /** Null: may use every project. */
  project: z.string().nullable(),
  created_at: z.string(),
})

export const artifactRecord = z.object({
  path: z.string(),
  url: z.string(),
  type: z.enum(artifactTypes),
  hash: z.string(),
  size: z.number(),
  seq: z.number(),
  created_at: z.string(),
  title: z.string().optional(),
  content_type: z.string(),
  stage: z.string().optional(),
  index: z.number().optional(),
})
export type ArtifactRecord = z.infer<typeof artifactRecord>

/** The answer to `POST …/sync`. The JSON-RPC part is there when the request had an id. */
export const submitted = z.object({
  seq: z.number(),
  jsonrpc: z.literal("2.0").optional(),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  result: z.object({ seq: z.number() }).optional(),
})
