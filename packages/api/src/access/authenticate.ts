import { AppError, type ApiKey, type Clock, type KeyStore } from "@berth/core"
import { defaultProjectId, headers, isProjectId, type ProjectId } from "@berth/protocol"
import type { Access, AccessOptions, ApiBindings } from "../api-options.ts"
import { hostOf, isLoopbackHost, refuseForeignPage } from "./check-origin.ts"
import { createRateLimit } from "./rate-limit.ts"
import type { SessionCookies } from "./session-cookie.ts"

/** Lets a request in, or throws `unauthenticated`, `forbidden` or `rate_limited`. */
export type Authenticate = (request: Request, connection: Partial<ApiBindings>) => Promise<Access>

export function createAuthenticate(options: {
  readonly access: AccessOptions
  readonly keyStore: KeyStore
  readonly cookies: SessionCookies
  readonly clock: Clock
}): Authenticate {
  const { access, keyStore, cookies, clock } = options
  const { requestsPerMinute } = access
  const limit = requestsPerMinute === null ? null : createRateLimit({ requestsPerMinute, clock })

  const keyOfBearer = async (header: string): Promise<ApiKey> => {
    const secret = /^Bearer +([^\s]{1,512})$/i.exec(header)?.[1]
    const key = secret === undefined ? null : await keyStore.verify(secret)
    if (key === null) throw unauthenticated("This API key is not valid.")
    return key
  }

  const keyOfCookie = async (request: Request): Promise<ApiKey | null> => {
    const keyId = await cookies.read(request)
    if (keyId === null || keyId === false) return null
    return (await keyStore.listKeys()).find((key) => key.id === keyId) ?? null
  }

  const findKey = async (request: Request, connection: Partial<ApiBindings>): Promise<ApiKey | null> => {
    const bearer = request.headers.get("authorization")
    if (bearer !== null) return keyOfBearer(bearer)
    refuseForeignPage(request, access)
    const key = await keyOfCookie(request)
    if (key === null) refuseWithoutKey(request, connection, access)
    return key
  }

  return async (request, connection) => {
    const key = await findKey(request, connection)
    if (key !== null) limit?.(key.id)
    return { key, project: projectOf(request, key), by: key === null ? "local" : `key/${key.id}` }
  }
}

function refuseWithoutKey(request: Request, connection: Partial<ApiBindings>, access: AccessOptions): void {
  if (access.mode === "none") return
  if (access.mode === "keys" || connection.isLoopbackBind !== true) {
    throw unauthenticated("Send an API key: Authorization: Bearer <key>.")
  }
  if (isLoopbackHost(hostOf(request, access))) return
  throw new AppError("forbidden", "Call this server by a loopback address, or send an API key.")
}

/** The header chooses, or `?project=` where a browser cannot send one; else the key's own, else `default`. */
function projectOf(request: Request, key: ApiKey | null): ProjectId {
  const asked = request.headers.get(headers.project) ?? new URL(request.url).searchParams.get("project")
  if (asked === null) return key?.project ?? defaultProjectId
  if (!isProjectId(asked)) {
    throw new AppError("bad_params", "A project id has letters, digits, _ and -, 1 to 64 of them.", {
      details: { path: headers.project },
    })
  }
  if (key !== null && key.project !== null && key.project !== asked) {
    throw new AppError("forbidden", "This API key belongs to another project.")
  }
  return asked
}

function unauthenticated(message: string): AppError {
  return new AppError("unauthenticated", message)
}
