import { answerAnthropic } from "./anthropic-answer.ts"
import { answerGoogle } from "./google-answer.ts"
import { answerOpenai } from "./openai-answer.ts"
import type { Meter, Upstream } from "./upstream.ts"

const anthropicMessages: Meter = {
  request: {
    model: ["model"],
    outputLimits: [["max_tokens"]],
    multipliers: [],
    references: [["container"], ["mcp_servers"]],
  },
  answer: answerAnthropic,
}

const anthropic: Upstream = {
  prefix: "anthropic",
  routes: [
    { method: "POST", path: "/v1/messages", query: ["beta"], meter: anthropicMessages },
    { method: "POST", path: "/v1/messages/count_tokens", query: ["beta"], meter: null },
    {
      method: "GET",
      path: "/v1/models",
      query: ["beta", "limit", "before_id", "after_id"],
      meter: null,
    },
    { method: "GET", path: "/v1/models/*", query: ["beta"], meter: null },
    { method: "HEAD", path: "/", query: [], meter: null },
  ],
  credential: { header: "x-api-key", scheme: "" },
  requestHeaders: ["anthropic-version", "anthropic-beta", "anthropic-dangerous-direct-browser-access"],
  errorBody: ({ code, message }) => ({ type: "error", error: { type: code, message } }),
}

const openaiResponses: Meter = {
  request: {
    model: ["model"],
    outputLimits: [["max_output_tokens"]],
    multipliers: [],
    references: [["previous_response_id"], ["conversation"], ["prompt"]],
  },
  answer: answerOpenai,
}

const openaiChat: Meter = {
  request: {
    model: ["model"],
    outputLimits: [["max_completion_tokens"], ["max_tokens"]],
    multipliers: [["n"]],
    references: [],
  },
  answer: answerOpenai,
}

const openaiEmbeddings: Meter = {
  request: { model: ["model"], outputLimits: null, multipliers: [], references: [] },
  answer: answerOpenai,
}

const openai: Upstream = {
  prefix: "openai",
  routes: [
    { method: "POST", path: "/v1/responses", query: [], meter: openaiResponses },
    { method: "POST", path: "/v1/chat/completions", query: [], meter: openaiChat },
    { method: "POST", path: "/v1/embeddings", query: [], meter: openaiEmbeddings },
    { method: "GET", path: "/v1/models", query: [], meter: null },
    { method: "GET", path: "/v1/models/*", query: [], meter: null },
  ],
  credential: { header: "authorization", scheme: "Bearer " },
  requestHeaders: [
    "openai-beta",
    "originator",
    "session_id",
    "session-id",
    "thread-id",
    "conversation_id",
    "x-codex-*",
    "x-openai-internal-codex-*",
  ],
  errorBody: ({ code, message }) => ({ error: { message, type: code, param: null, code } }),
}

const googleGenerate: Meter = {
  request: {
    model: null,
    outputLimits: [["generationConfig", "maxOutputTokens"]],
    multipliers: [["generationConfig", "candidateCount"]],
    references: [["cachedContent"]],
  },
  answer: answerGoogle,
}

const google: Upstream = {
  prefix: "google",
  routes: [
    { method: "POST", path: "/v1beta/models/*:generateContent", query: ["alt"], meter: googleGenerate },
    { method: "POST", path: "/v1beta/models/*:streamGenerateContent", query: ["alt"], meter: googleGenerate },
    { method: "POST", path: "/v1beta/models/*:countTokens", query: ["alt"], meter: null },
    { method: "GET", path: "/v1beta/models", query: ["pageSize", "pageToken"], meter: null },
    { method: "GET", path: "/v1beta/models/*", query: [], meter: null },
  ],
  credential: { header: "x-goog-api-key", scheme: "" },
  requestHeaders: ["x-goog-api-client"],
  errorBody: ({ status, code, message }) => ({
    error: { code: status, message, status: code.toUpperCase() },
  }),
}

export const upstreamNames = ["anthropic", "openai", "google"] as const
export type UpstreamName = (typeof upstreamNames)[number]

/** Everything a sandbox can reach with the operator's credentials. A new service is a new row. */
export const upstreamTable: Readonly<Record<UpstreamName, Upstream>> = { anthropic, openai, google }
