import { isAppError } from "@berth/core"
import type { Sql } from "./sql.ts"
import { translateError } from "./sqlite-error.ts"

/** What keeps state in memory beside the database, and has to move with it. */
export interface Participant {
  /** Writes what the group changed, inside its transaction. */
  flush(): void
  committed(): void
  rolledBack(): void
}

export interface GroupCommit {
  /**
   * Runs `operation` in a transaction with all others of this turn of the event loop, and resolves
   * when that is durable: one sync for all. An operation refuses with an AppError before its first
   * write, and then fails alone. After any other error the group is done again one at a time, so
   * an operation may run twice; the first run has left no trace.
   */
  commit<Result>(operation: () => Result): Promise<Result>
  join(participant: Participant): void
}

/** Operations in one transaction: a flood holds up the other events for one group, not for all of it. */
const groupSize = 256

interface Member {
  /** Answers what tells the caller, once durable. */
  run(): () => void
  reject(error: unknown): void
}

/** `schedule` runs its argument after the events at hand: `setImmediate`, or a microtask. */
export function createGroupCommit(options: {
  readonly sql: Sql
  readonly schedule: (work: () => void) => void
}): GroupCommit {
  const { sql, schedule } = options
  const participants: Participant[] = []
  let queue: Member[] = []

  const attempt = (members: readonly Member[]): void => {
    const answers: (() => void)[] = []
    try {
      sql.transaction(() => {
        for (const member of members) answers.push(runMember(member))
        for (const participant of participants) participant.flush()
      })
    } catch (error) {
      for (const participant of participants) participant.rolledBack()
      if (members.length > 1) {
        for (const member of members) attempt([member])
      } else {
        members[0]?.reject(translateError(error))
      }
      return
    }
    for (const participant of participants) participant.committed()
    for (const answer of answers) answer()
  }

  const flushQueue = (): void => {
    const members = queue.slice(0, groupSize)
    queue = queue.slice(groupSize)
    if (queue.length > 0) schedule(flushQueue)
    attempt(members)
  }

  return {
    commit(operation) {
      return new Promise((resolve, reject) => {
        const run = (): (() => void) => {
          const result = operation()
          return () => resolve(result)
        }
        queue.push({ run, reject })
        if (queue.length === 1) schedule(flushQueue)
      })
    },
    join(participant) {
      participants.push(participant)
    },
  }
}

function runMember(member: Member): () => void {
  try {
    return member.run()
  } catch (error) {
    if (!isAppError(error)) throw error
    return () => member.reject(error)
  }
}
