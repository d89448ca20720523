import { AppError, type BlobStore } from "@berth/core"
import type { BlobHash, ProjectId } from "@berth/protocol"
import { parseRange } from "./byte-range.ts"

export interface ServeBlob {
  readonly project: ProjectId
  readonly hash: BlobHash
  readonly headers: Readonly<Record<string, string>>
}

/** A blob as an answer to GET or HEAD: whole, one range of it, or "not modified". Null when there is none. */
export async function serveBlob(
  request: Request,
  blobStore: BlobStore,
  { project, hash, headers: given }: ServeBlob,
): Promise<Response | null> {
  refuseServiceWorker(request)
  const whole = await blobStore.get(project, hash)
  if (whole === null) return null
  const { size } = whole
  const etag = `"${hash}"`
  const headers = new Headers({ ...given, etag, "accept-ranges": "bytes" })
  const range = isRangeCurrent(request, etag) ? parseRange(request.headers.get("range"), size) : null
  if (isNotModified(request, etag)) {
    await whole.content.cancel()
    return new Response(null, { status: 304, headers })
  }
  if (range === "unsatisfiable") {
    await whole.content.cancel()
    headers.set("content-range", `bytes */${size}`)
    return new Response(null, { status: 416, headers })
  }
  const { start, end } = range ?? { start: 0, end: size }
  headers.set("content-length", String(end - start))
  if (range !== null) headers.set("content-range", `bytes ${start}-${end - 1}/${size}`)
  const status = range === null ? 200 : 206
  if (request.method === "HEAD" || range !== null) await whole.content.cancel()
  if (request.method === "HEAD") return new Response(null, { status, headers })
  if (range === null) return new Response(whole.content, { status, headers })
  const part = await blobStore.get(project, hash, range)
  return part === null ? null : new Response(part.content, { status, headers })
}

/** A service worker would stay, and see what other pages of this origin do. */
function refuseServiceWorker(request: Request): void {
  const isScript =
    request.headers.has("service-worker") || request.headers.get("sec-fetch-dest") === "serviceworker"
  if (isScript) throw new AppError("forbidden", "Published files may not be service workers.")
}

function isNotModified(request: Request, etag: string): boolean {
  const known = request.headers.get("if-none-match")
  return (
    known !== null &&
    (known === "*" || known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag))
  )
}

/** RFC 9110, 13.1.5: a range of another version is answered with all of this one. */
function isRangeCurrent(request: Request, etag: string): boolean {
  const condition = request.headers.get("if-range")
  return condition === null || condition === etag
}
