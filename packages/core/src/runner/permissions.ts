import type { PermissionPolicy, QuestionOption } from "@berth/protocol"
import type { AgentHandlers, FormRequest, PermissionRequest } from "./agent-connection.ts"
import { formContent, formOptions } from "./form-question.ts"
import { judgePermission, optionFor } from "./permission-policy.ts"
import type { QuestionDesk } from "./question-desk.ts"

/** What of the session may change while an agent waits. */
export interface PermissionSettings {
  permissions: PermissionPolicy
  permissionHoldMs: number
}

const kinds = ["allow_once", "allow_always", "reject_once", "reject_always"] as const

/** Answers what an agent asks before it acts: by the session's policy, else by asking the people. */
export function createPermissions(options: {
  readonly desk: QuestionDesk
  readonly settings: PermissionSettings
  readonly openTurnId: () => string | null
  /** Nobody answered in time: the agent is let go, and its turn cannot go on. */
  readonly onUnanswered: (what: string) => void
}): Pick<AgentHandlers, "requestPermission" | "fillForm"> {
  const { desk, settings, openTurnId, onUnanswered } = options

  return {
    async requestPermission(request, signal) {
      const verdict = judgePermission(settings.permissions, request)
      const chosen = verdict === "ask" ? null : optionFor(verdict, request)
      if (chosen !== null) return chosen
      if (verdict === "deny") return null
      const { toolCall } = request
      const message = titleOf(request)
      const question = {
        kind: "permission" as const,
        message,
        options: request.options.map(readOption),
        turnId: openTurnId(),
        toolCall,
      }
      const held = await desk.hold(question, settings.permissionHoldMs, signal)
      if (held.state === "expired") onUnanswered(message)
      if (held.state !== "answered") return null
      const { optionId } = held.answer
      return request.options.some((option) => option.optionId === optionId) ? (optionId ?? null) : null
    },
    async fillForm(request: FormRequest, signal) {
      const question = {
        kind: "input" as const,
        message: request.message,
        options: formOptions(request.schema),
        turnId: openTurnId(),
        schema: request.schema,
      }
      const held = await desk.hold(question, settings.permissionHoldMs, signal)
      if (held.state === "expired") onUnanswered(request.message)
      return held.state === "answered" ? formContent(request.schema, held.answer) : null
    },
  }
}

function titleOf({ toolCall }: PermissionRequest): string {
  const title = toolCall["title"]
  return typeof title === "string" && title !== "" ? title : `Tool call ${toolCall.toolCallId}`
}

function readOption(option: PermissionRequest["options"][number]): QuestionOption {
  const { optionId, name } = option
  const kind = kinds.find((known) => known === option.kind)
  return { optionId, name: name.slice(0, 1024), ...(kind === undefined ? {} : { kind }) }
}
