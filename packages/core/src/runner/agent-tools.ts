import type { BlobHash, NotificationParams, QuestionOption } from "@berth/protocol"
import type { SandboxFiles } from "../ports/sandbox-provider.ts"
import { isAppError } from "../errors/app-error.ts"
import type { Contact } from "./contact.ts"
import { messageOf } from "./link-errors.ts"
import { artifactTypeOf, contentTypeOf } from "./media-type.ts"
import type { Outbox } from "./outbox.ts"
import type { PermissionSettings } from "./permissions.ts"
import type { QuestionDesk } from "./question-desk.ts"
import type { RunnerLink } from "./runner-link.ts"

type ArtifactType = NotificationParams<"_berth/artifact">["type"]

export interface CheckpointInput {
  readonly message: string
  readonly stage?: string | undefined
  /** Workspace paths of what is to be looked at. */
  readonly artifacts?: readonly string[] | undefined
  readonly options?: readonly string[] | undefined
  readonly isFinal?: boolean | undefined
}

export interface ArtifactInput {
  readonly path: string
  readonly type?: ArtifactType | undefined
  readonly title?: string | undefined
  readonly stage?: string | undefined
}

export interface AskInput {
  readonly message: string
  readonly options?: readonly string[] | undefined
}

export interface ToolResult {
  readonly text: string
  readonly isError: boolean
}

/** What every agent can do beyond its own tools. Never reject: the result tells the agent what to do. */
export interface AgentTools {
  checkpoint(input: CheckpointInput): Promise<ToolResult>
  publishArtifact(input: ArtifactInput): Promise<ToolResult>
  askUser(input: AskInput, signal: AbortSignal): Promise<ToolResult>
}

const approval: readonly QuestionOption[] = [
  { optionId: "approve", name: "Approve", kind: "allow_once" },
  { optionId: "reject", name: "Reject", kind: "reject_once" },
]

export function createAgentTools(options: {
  readonly files: SandboxFiles
  readonly blobs: RunnerLink["blobs"]
  readonly hashContent: (content: ReadableStream<Uint8Array>) => Promise<BlobHash>
  readonly contact: Contact
  readonly desk: QuestionDesk
  readonly outbox: Outbox
  readonly settings: PermissionSettings
  readonly openTurnId: () => string | null
}): AgentTools {
  const { files, blobs, hashContent, contact, desk, outbox, settings, openTurnId } = options

  const publish = async (input: ArtifactInput): Promise<ToolResult> => {
    const path = workspacePath(input.path)
    const found = await files.read("workspace", path)
    if (found === null) return failed(`There is no file ${path} in the workspace.`)
    const hash = await hashContent(found.content)
    await contact.insist("an artifact's blob", async () => {
      const [isMissing] = await blobs.missing([hash])
      if (isMissing === undefined) return
      const again = await files.read("workspace", path)
      if (again !== null) await blobs.put(hash, again.content)
    })
    outbox.write("_berth/artifact", {
      path,
      type: input.type ?? artifactTypeOf(path),
      hash,
      size: found.info.size,
      contentType: contentTypeOf(path),
      ...(input.title === undefined ? {} : { title: input.title.slice(0, 1024) }),
      ...(input.stage === undefined ? {} : { stage: input.stage.slice(0, 256) }),
    })
    return { text: `Published ${path}. People see it now.`, isError: false }
  }

  return {
    async checkpoint({ message, stage, artifacts, options: choices, isFinal }) {
      const isPut = desk.put({
        kind: "checkpoint",
        message,
        options: choices === undefined || choices.length === 0 ? approval : choices.map(asOption),
        turnId: openTurnId(),
        ...(stage === undefined ? {} : { stage: stage.slice(0, 256) }),
        ...(artifacts === undefined ? {} : { artifacts: artifacts.slice(0, 100).map(workspacePath) }),
        ...(isFinal === undefined ? {} : { isFinal }),
      })
      if (!isPut) return failed("Too many questions are open. End your turn now.")
      const text =
        "The checkpoint is recorded. End your turn now: the decision will come as your next prompt, " +
        "however long it takes."
      return { text, isError: false }
    },
    async publishArtifact(input) {
      try {
        return await publish(input)
      } catch (error) {
        const why = isAppError(error) ? error.message : messageOf(error)
        return failed(`The file could not be published: ${why}`)
      }
    },
    async askUser({ message, options: choices }, signal) {
      const question = {
        kind: "input" as const,
        message,
        options: (choices ?? []).map(asOption),
        turnId: openTurnId(),
      }
      const held = await desk.hold(question, settings.permissionHoldMs, signal)
      if (held.state === "released") return failed("The question was withdrawn. End your turn now.")
      if (held.state === "expired") {
        const text = "Nobody has answered yet. End your turn now: the answer will come as your next prompt."
        return { text, isError: false }
      }
      const { answer } = held
      const option = question.options.find((candidate) => candidate.optionId === answer.optionId)
      const parts = [option?.name, answer.action, answer.feedback]
      if (answer.options !== undefined) parts.push(JSON.stringify(answer.options))
      return { text: parts.filter((part) => part !== undefined && part !== "").join("\n"), isError: false }
    },
  }
}

function asOption(name: string, index: number): QuestionOption {
  return { optionId: `option-${index + 1}`, name: name.slice(0, 1024) }
}

/** Agents name files by their path inside, or relative to the workspace. */
function workspacePath(path: string): string {
  return path.replace(/^\/workspace\//, "").replace(/^(\.\/)+/, "")
}

function failed(text: string): ToolResult {
  return { text, isError: true }
}
