import type { ProjectId } from "@berth/protocol"

export interface ApiKey {
  readonly id: string
  readonly name: string
  /** Null: may use every project. */
  readonly project: ProjectId | null
  readonly createdAt: string
}

/** API keys, kept as hashes; secrets, kept encrypted and never listed with their values. */
export interface KeyStore {
  /** `secret` is shown once and cannot be had again. */
  createKey(options: {
    readonly name: string
    readonly project: ProjectId | null
    /** For the bootstrap key: stored under this value. Idempotent. */
    readonly secret?: string
  }): Promise<{ readonly key: ApiKey; readonly secret: string }>
  /** Null when the secret is of no live key. */
  verify(secret: string): Promise<ApiKey | null>
  listKeys(): Promise<readonly ApiKey[]>
  /** False when there was none. */
  deleteKey(id: string): Promise<boolean>
  /** Secrets of one scope (`session/<logId>`, `project/<id>`): replaced as a whole; `{}` removes. */
  putSecrets(scope: string, values: Readonly<Record<string, string>>): Promise<void>
  getSecrets(scope: string): Promise<Readonly<Record<string, string>>>
}
