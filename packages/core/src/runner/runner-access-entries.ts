import { limits, runnerMethods, type EntryBody, type ProjectId, type SessionId } from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"
import { isOversized, spillBody } from "../log/spill-body.ts"
import type { BlobStore } from "../ports/blob-store.ts"
import type { EventLog, NewEntry } from "../ports/event-log.ts"
import type { RunnerIdentity } from "./runner-tokens.ts"
import { checkRunnerEntry } from "./check-runner-entry.ts"

/** Bodies that only readers need whole. All others carry the session's state and may not leave the log. */
const spillable: ReadonlySet<string> = new Set([
  "session/update",
  "_berth/run_output",
  "_berth/run_ended",
  "_berth/setup",
])

/** Whether an oversized body of this method may stand in a blob. */
export function mayBeSpilled(method: string): boolean {
  return spillable.has(method)
}

const allowed: ReadonlySet<string> = new Set(runnerMethods)

/**
 * What a runner sent, as entries. All or nothing: one line that may not be written refuses the batch.
 * `forbidden` for a method of our side, `bad_params` for anything out of shape, both with the line's
 * `n`; `too_large` for a batch or a body over its limit.
 */
export async function readRunnerEntries(
  lines: readonly string[],
  firstN: number,
  context: {
    readonly identity: RunnerIdentity
    readonly session: { readonly id: SessionId; readonly project: ProjectId }
    readonly blobStore: BlobStore
    readonly eventLog: EventLog
  },
): Promise<readonly NewEntry[]> {
  if (lines.length > limits.appendBatchEntries) {
    throw new AppError("too_large", `Send at most ${limits.appendBatchEntries} entries in one batch.`)
  }
  const { session, blobStore } = context
  const entries = lines.map((line, index) => readLine(line, session.id, firstN + index))
  await refuseQuestions(entries, context)
  const spill = async (entry: NewEntry, index: number): Promise<NewEntry> => {
    const line = lines[index] ?? ""
    // Only numbers grow when written again, at most six-fold: 1e20 becomes 21 digits.
    const mayBeOversized = line.length * 6 > limits.entryBytes
    if (!mayBeOversized || entry.body.type === "spilled" || !isOversized(JSON.stringify(entry.body)))
      return entry
    const method = methodOf(entry.body)
    if (!mayBeSpilled(method)) {
      throw new AppError("too_large", `${method} may take ${limits.entryBytes} bytes at most.`, {
        details: { n: firstN + index },
      })
    }
    return { ...entry, body: await spillBody(blobStore, session.project, entry.body) }
  }
  return Promise.all(entries.map(spill))
}

function readLine(line: string, sessionId: SessionId, n: number): NewEntry {
  const entry = checkRunnerEntry(line, sessionId)
  if (entry === null) throw refusal(line, n)
  return entry
}

/** Says why, for whoever writes a runner. The line is not JSON, or its method decides. */
function refusal(line: string, n: number): AppError {
  const method = /"method"\s*:\s*"([^"\\]{1,64})"/.exec(line)?.[1]
  if (method !== undefined && !allowed.has(method)) {
    return new AppError("forbidden", `A runner may not write ${method}. Nothing was written.`, {
      details: { n },
    })
  }
  return new AppError("bad_params", "An entry is not in the shape of its method. Nothing was written.", {
    details: { n, ...(method === undefined ? {} : { method }) },
  })
}

/** Open questions are held in the head, so their number is bounded; each is asked once. */
async function refuseQuestions(
  entries: readonly NewEntry[],
  context: { readonly identity: RunnerIdentity; readonly eventLog: EventLog },
): Promise<void> {
  const asked = entries.flatMap(({ body }) =>
    body.type === "notification" && body.notification.method === "_berth/question"
      ? [body.notification.params.questionId]
      : [],
  )
  if (asked.length === 0) return
  const { head } = await context.eventLog.state(context.identity.log)
  const open = new Set(head.questions.map((question) => question.questionId))
  for (const questionId of asked) open.add(questionId)
  if (open.size <= limits.pendingQuestions) return
  throw new AppError("bad_params", `At most ${limits.pendingQuestions} questions may be open.`)
}

function methodOf(body: EntryBody): string {
  switch (body.type) {
    case "notification":
      return body.notification.method
    case "client_message":
      return body.message.method
    case "spilled":
      return body.method
  }
}
