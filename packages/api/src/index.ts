export type {
  Access,
  AccessOptions,
  ApiBindings,
  ApiOptions,
  HealthReport,
  RequestObservation,
} from "./api-options.ts"
export { projectEntry } from "./chat/project-chat.ts"
export { createChatState, type ChatState, type Projection } from "./chat/chat-state.ts"
export { createApi } from "./create-api.ts"
export { appErrorResponse, errorResponse } from "./http/error-response.ts"
export { createAppendHandler, type AppendCall, type HandleAppend } from "./internal/append-handler.ts"
export { createInternalApi } from "./internal/create-internal-api.ts"
export { createDoorKeeper, type OpenDoorFor } from "./internal/door-keeper.ts"
export type { InternalApiOptions } from "./internal/internal-options.ts"
export { compactPage } from "./stream/compact-page.ts"
