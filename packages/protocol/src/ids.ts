/** Names and identities of DESIGN.md. An alias (`SessionId`) may be reused; a `LogId` never is. */

declare const brand: unique symbol
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }

export type ProjectId = Brand<string, "ProjectId">
export type SessionId = Brand<string, "SessionId">
export type LogId = Brand<string, "LogId">
export type BlobHash = Brand<string, "BlobHash">

export const sessionIdPattern = /^[A-Za-z0-9_-]{1,128}$/
export const projectIdPattern = /^[A-Za-z0-9_-]{1,64}$/
export const logIdPattern = /^log_[0-9a-z]{26}$/
/** A sha-256 in lower-case hexadecimal. */
export const blobHashPattern = /^[0-9a-f]{64}$/

export const defaultProjectId = "default" as ProjectId

export function isSessionId(text: string): text is SessionId {
  return sessionIdPattern.test(text)
}

export function isProjectId(text: string): text is ProjectId {
  return projectIdPattern.test(text)
}

export function isLogId(text: string): text is LogId {
  return logIdPattern.test(text)
}

export function isBlobHash(text: string): text is BlobHash {
  return blobHashPattern.test(text)
}
