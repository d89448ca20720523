/**
 * Every error a client can meet: code → HTTP status and fixed text. Closed: a new failure takes an
 * existing code or adds a row here.
 */
export const errorCodes = {
  bad_request: [400, "Bad request"],
  bad_json: [400, "Invalid JSON"],
  bad_params: [400, "Invalid parameters"],
  bad_cursor: [400, "Invalid cursor"],
  unknown_method: [400, "Unknown method"],
  unauthenticated: [401, "Unauthenticated"],
  forbidden: [403, "Forbidden"],
  not_found: [404, "Not found"],
  session_not_found: [404, "Session not found"],
  question_not_found: [404, "Question not found"],
  artifact_not_found: [404, "Artifact not found"],
  blob_not_found: [404, "Blob not found"],
  agent_not_found: [404, "Agent not found"],
  key_not_found: [404, "API key not found"],
  method_not_allowed: [405, "Method not allowed"],
  conflict: [409, "Conflict"],
  id_taken: [409, "session id already exists"],
  already_answered: [409, "Already answered"],
  busy: [409, "Busy"],
  no_agent: [409, "Session has no agent"],
  stale_epoch: [409, "Stale epoch"],
  out_of_sequence: [409, "Out of sequence"],
  log_closed: [410, "Session closed"],
  session_replaced: [410, "Session replaced"],
  precondition_failed: [412, "Precondition failed"],
  too_large: [413, "Too large"],
  unsupported_media_type: [415, "Unsupported media type"],
  runtime_missing: [422, "Runtime missing"],
  unsupported: [422, "Unsupported"],
  rate_limited: [429, "Rate limited"],
  budget_exhausted: [429, "Budget exhausted"],
  internal: [500, "Internal error"],
  upstream_failed: [502, "Upstream failed"],
  unavailable: [503, "Unavailable"],
  storage_full: [507, "Storage full"],
} as const satisfies Record<string, readonly [status: number, text: string]>

export type ErrorCode = keyof typeof errorCodes

/** The body of every error answer. `message` says what to do next. */
export interface ErrorBody {
  readonly error: string
  readonly code: ErrorCode
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}
