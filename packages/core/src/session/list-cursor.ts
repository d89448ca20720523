import { isSessionId, type SessionId } from "@berth/protocol"
import { AppError } from "../errors/app-error.ts"

/** The last item of a page: listings go by creation, newest first, then by id, descending. */
export interface ListPosition {
  readonly createdAt: string
  readonly id: SessionId
}

/** Safe in a URL; opaque to clients. */
export function encodeListCursor({ createdAt, id }: ListPosition): string {
  return btoa(`${createdAt} ${id}`).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
}

/** `bad_cursor` for anything that `encodeListCursor` did not make. */
export function decodeListCursor(cursor: string): ListPosition {
  const text = /^[A-Za-z0-9_-]{1,512}$/.test(cursor) ? decodeBase64Url(cursor) : null
  const [, createdAt, id] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.+)$/.exec(text ?? "") ?? []
  if (createdAt === undefined || id === undefined || !isSessionId(id)) {
    throw new AppError("bad_cursor", "The cursor is not one of this listing. Start without one.")
  }
  return { createdAt, id }
}

function decodeBase64Url(text: string): string | null {
  // Four characters hold three bytes: one left over is no base64.
  if (text.length % 4 === 1) return null
  return atob(text.replaceAll("-", "+").replaceAll("_", "/"))
}
