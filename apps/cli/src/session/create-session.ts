import { randomBytes } from "node:crypto"
import { isAppError } from "@berth/core"
import type { CreateSessionRequest } from "@berth/protocol"
import type { BerthApi } from "../api/berth-api.ts"
import { isPassing, retrying } from "../api/retrying.ts"
import { sessionShape, type SessionShape } from "../api/session-shape.ts"

/** Sortable by time, as the server's own. */
function newSessionId(): string {
  return `sess-${Date.now().toString(36).padStart(9, "0")}${randomBytes(8).toString("hex")}`
}

/**
 * Makes a session. The id is chosen here, so that a repeat after a broken connection meets the session it
 * made, and not a second one. A server that was never there is an error at once.
 */
export async function createSession(
  api: BerthApi,
  request: Omit<CreateSessionRequest, "id" | "session_id">,
  signal: AbortSignal,
): Promise<SessionShape> {
  const id = newSessionId()
  const create = () =>
    api.request(sessionShape, "POST", "/api/sessions", { body: { id, ...request }, signal })
  const again = async (): Promise<SessionShape> => {
    try {
      return await create()
    } catch (error) {
      if (!isAppError(error, "id_taken")) throw error
      return api.request(sessionShape, "GET", `/api/sessions/${id}`, { signal })
    }
  }
  try {
    return await create()
  } catch (error) {
    if (!isPassing(error) || error.details?.["isRefused"] === true) throw error
    return retrying(again, { signal, forMs: 30_000 })
  }
}
