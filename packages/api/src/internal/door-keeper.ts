import { AppError, type RunnerAccess, type RunnerDoor, type RunnerTokens } from "@berth/core"
import type { LogId } from "@berth/protocol"

export interface OpenDoor {
  readonly log: LogId
  readonly door: RunnerDoor
}

/** Finds the log that a token opens. `unauthenticated`; `forbidden` for a token of another log. */
export type OpenDoorFor = (authorization: string | null, log: string) => Promise<RunnerDoor>

/** Doors kept open, so that a busy runner is looked up once; what it may write the store decides each time. */
const maxDoors = 10_000

export function createDoorKeeper(options: {
  readonly runnerAccess: RunnerAccess
  readonly runnerTokens: RunnerTokens
}): OpenDoorFor {
  const doors = new Map<string, OpenDoor>()

  const openNew = async (authorization: string): Promise<OpenDoor> => {
    const token = /^Bearer ([^\s]{1,512})$/i.exec(authorization)?.[1]
    const identity = token === undefined ? null : await options.runnerTokens.verify(token)
    if (identity === null)
      throw new AppError("unauthenticated", "Send the token this runner was started with.")
    const opened = { log: identity.log, door: options.runnerAccess.open(identity) }
    const [oldest] = doors.keys()
    if (doors.size >= maxDoors && oldest !== undefined) doors.delete(oldest)
    doors.set(authorization, opened)
    return opened
  }

  return async (authorization, log) => {
    const opened = doors.get(authorization ?? "") ?? (await openNew(authorization ?? ""))
    if (opened.log === log) return opened.door
    throw new AppError("forbidden", "This token is of another log.")
  }
}
