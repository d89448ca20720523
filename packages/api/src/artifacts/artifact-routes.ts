import { AppError, type BlobStore, type SessionService } from "@berth/core"
import {
  artifactRecord,
  blobHashPattern,
  isBlobHash,
  sessionIdPattern,
  type BlobHash,
  type SessionId,
} from "@berth/protocol"
import { z } from "zod"
import { addRoute, type Api } from "../http/add-route.ts"
import { sessionParams } from "../sessions/session-routes.ts"
import type { ArtifactIndex } from "./artifact-index.ts"
import { serveBlob } from "./serve-blob.ts"

/** What others made is shown as if from nowhere: no scripts with our origin, no sniffing, no framing us. */
const userContentHeaders = {
  "content-security-policy":
    "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'",
  "x-content-type-options": "nosniff",
  "cache-control": "private, no-cache",
} as const

const outputParams = z.object({
  session: z
    .string()
    .regex(sessionIdPattern)
    .transform((id) => id as SessionId),
  path: z.string().min(1).max(4096),
})
const blobParams = z.object({
  hash: z
    .string()
    .regex(blobHashPattern)
    .transform((hash) => hash as BlobHash),
})

/** Artifacts of sessions, and blobs that entries refer to. */
export function addArtifactRoutes(
  api: Api,
  options: {
    readonly sessions: SessionService
    readonly blobStore: BlobStore
    readonly artifacts: ArtifactIndex
  },
): void {
  const { sessions, blobStore, artifacts } = options

  addRoute(
    api,
    {
      method: "get",
      path: "/api/sessions/{id}/artifacts",
      summary: "List what a session published",
      tag: "artifacts",
      params: sessionParams,
      status: 200,
      response: z.object({ artifacts: z.array(artifactRecord), count: z.number() }),
    },
    async (context, { params }) => {
      const { log } = await sessions.find(context.var.access.project, params.id)
      const list = await artifacts.list(log)
      return context.json({ artifacts: list, count: list.length })
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/outputs/{session}/{path}",
      summary: "Read a published file",
      tag: "artifacts",
      params: outputParams,
      status: 200,
      response: "application/octet-stream",
    },
    async (context, { params }) => {
      const { project } = context.var.access
      const { log } = await sessions.find(project, params.session)
      const artifact = await artifacts.find(log, params.path)
      const headers = { ...userContentHeaders, "content-type": artifact?.content_type ?? "" }
      const response =
        artifact === null || !isBlobHash(artifact.hash)
          ? null
          : await serveBlob(context.req.raw, blobStore, { project, hash: artifact.hash, headers })
      if (response !== null) return response
      throw new AppError("artifact_not_found", "This session published no such file. List its artifacts.")
    },
  )

  addRoute(
    api,
    {
      method: "get",
      path: "/api/blobs/{hash}",
      summary: "Read a blob of the project",
      tag: "artifacts",
      params: blobParams,
      status: 200,
      response: "application/octet-stream",
    },
    async (context, { params }) => {
      const { project } = context.var.access
      const headers = {
        ...userContentHeaders,
        "content-type": "application/octet-stream",
        "cache-control": "private, max-age=31536000, immutable",
      }
      const response = await serveBlob(context.req.raw, blobStore, { project, hash: params.hash, headers })
      if (response !== null) return response
      throw new AppError("blob_not_found", "This project has no such blob.")
    },
  )
}
