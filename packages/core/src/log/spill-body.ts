import { limits, type EntryBody, type ProjectId, type SpilledBody } from "@berth/protocol"
import type { BlobStore } from "../ports/blob-store.ts"

const encoder = new TextEncoder()

/** Size in bytes of a text as UTF-8. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).byteLength
}

/** Whether a body's JSON is over what one entry may hold. */
export function isOversized(text: string): boolean {
  if (text.length * 3 <= limits.entryBytes) return false
  return text.length > limits.entryBytes || utf8Bytes(text) > limits.entryBytes
}

/** Stores a body as a blob and answers with what stands for it in the log. Durable when it resolves. */
export async function spillBody(
  blobStore: BlobStore,
  project: ProjectId,
  body: Exclude<EntryBody, SpilledBody>,
): Promise<SpilledBody> {
  const bytes = encoder.encode(JSON.stringify(body))
  const { hash, size } = await blobStore.put(project, new Blob([bytes]).stream())
  const method = body.type === "notification" ? body.notification.method : body.message.method
  const spilled = { type: "spilled" as const, method, blob: hash, size }
  return body.type === "notification" ? spilled : { ...spilled, key: body.key }
}
