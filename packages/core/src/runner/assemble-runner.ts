import { createAgentHost, type AgentHost } from "./agent-host.ts"
import { createAgentTools, type AgentTools } from "./agent-tools.ts"
import type { Contact } from "./contact.ts"
import type { RunnerOptions } from "./runner-options.ts"
import { createAgenda, createDispatch, type Agenda } from "./dispatch.ts"
import { createFileChanges } from "./file-changes.ts"
import { createInbox, type Inbox } from "./inbox.ts"
import { createOutbox, type Outbox } from "./outbox.ts"
import { createPermissions } from "./permissions.ts"
import { createQuestionDesk } from "./question-desk.ts"
import type { Attachment } from "./runner-link.ts"
import { createSnapshots, type Snapshots } from "./snapshots.ts"
import { createTurns, type Turns } from "./turns.ts"

/** Everything a runner consists of, for one attachment. */
export interface RunnerParts {
  readonly contact: Contact
  readonly outbox: Outbox
  readonly agenda: Agenda
  readonly host: AgentHost
  readonly turns: Turns
  readonly snapshots: Snapshots
  readonly tools: AgentTools
  readonly inbox: Inbox
}

export function assembleRunner(
  options: RunnerOptions,
  contact: Contact,
  attachment: Attachment,
): RunnerParts {
  const { link, spool, sandbox, program, launcher, clock, ids, logger, hashContent } = options
  const { session, snapshot } = attachment
  const { sessionId, instructions } = session
  const { blobs } = link
  const { files } = sandbox
  const settings = { permissions: session.permissions, permissionHoldMs: session.permissionHoldMs }
  const agenda = createAgenda()
  const outbox = createOutbox({ sessionId, lastN: attachment.lastN, link, spool, contact, logger })
  const desk = createQuestionDesk({ outbox, clock, ids })
  const openTurnId = (): string | null => turns.openTurnId
  const handlers = createPermissions({
    desk,
    settings,
    openTurnId,
    onUnanswered: (what) => void turns.stop("interrupted", `Nobody answered in time: ${what}`),
  })
  const host = createAgentHost({
    launcher,
    program,
    session,
    agentSessionId: attachment.agentSessionId,
    handlers,
    outbox,
    clock,
    logger,
  })
  const turns: Turns = createTurns({
    outbox,
    host,
    clock,
    ids,
    logger,
    preamble: program.instructions === "prompt" ? instructions : null,
    releaseQuestions: () => desk.releaseAll(),
  })
  const snapshots = createSnapshots({
    workspace: options.createWorkspace(blobs),
    spoolWorkspace: options.createWorkspace(spool.blobs),
    restored: snapshot?.manifest ?? null,
    contact,
    outbox,
    ids,
    logger,
  })
  const changeFile = createFileChanges({ files, blobs, hashContent, contact, outbox })
  const dispatch = createDispatch({ agenda, turns, host, desk, outbox, settings, changeFile })
  const { insist } = contact
  const inbox = createInbox({ attachment, blobs, insist, handlers: dispatch })
  const tools = createAgentTools({
    files,
    blobs,
    hashContent,
    contact,
    desk,
    outbox,
    settings,
    openTurnId,
  })
  return { contact, outbox, agenda, host, turns, snapshots, tools, inbox }
}
