export { acpUpdate, acpUpdateKinds, type AcpUpdate } from "./acp-update.ts"
export type { ChatCheckpoint, ChatCheckpointType, ChatEvent, ChatMessageType } from "./chat-event.ts"
export {
  clientMethods,
  commandParams,
  isCommandMethod,
  methodAliases,
  type Command,
  type CommandMethod,
  type CommandParams,
} from "./command.ts"
export type { Entry, EntryBody, Origin, SpilledBody } from "./entry.ts"
export { errorCodes, type ErrorBody, type ErrorCode } from "./error-codes.ts"
export {
  blobHashPattern,
  defaultProjectId,
  isBlobHash,
  isLogId,
  isProjectId,
  isSessionId,
  logIdPattern,
  projectIdPattern,
  sessionIdPattern,
  type BlobHash,
  type LogId,
  type ProjectId,
  type SessionId,
} from "./ids.ts"
export { jsonValue, type JsonValue } from "./json-value.ts"
export { headers, limits, runnerProtocolVersion } from "./limits.ts"
export {
  agentStates,
  artifactTypes,
  commandStates,
  notificationParams,
  runnerMethods,
  sandboxStates,
  sessionStatuses,
  turnOutcomes,
  usageNumbers,
  type Notification,
  type NotificationMethod,
  type NotificationParams,
  type RunnerMethod,
  type SessionStatus,
  type TurnOutcome,
  type UsageNumbers,
} from "./notification.ts"
export {
  answer,
  answerActions,
  questionKinds,
  questionOption,
  type Answer,
  type QuestionKind,
  type QuestionOption,
} from "./question.ts"
export {
  agentRecord,
  artifactRecord,
  errorBody,
  healthRecord,
  isolationReport,
  keyRecord,
  questionRecord,
  sessionList,
  sessionRecord,
  sessionSummary,
  submitted,
  type ArtifactRecord,
  type SessionSummaryRecord,
  type SessionWireRecord,
} from "./responses.ts"
export {
  attachRequest,
  gatewayReport,
  releaseRequest,
  restoredRequest,
  type GatewayReport,
} from "./runner-protocol.ts"
export {
  agentChoice,
  budget,
  createSessionRequest,
  environment,
  limitMechanisms,
  networkPolicy,
  permissionPolicy,
  permissionRule,
  sandboxLimits,
  updateSessionRequest,
  type AgentChoice,
  type Budget,
  type CreateSessionRequest,
  type IsolationReport,
  type LimitMechanism,
  type LimitReport,
  type NetworkPolicy,
  type PermissionPolicy,
  type UpdateSessionRequest,
} from "./session.ts"
