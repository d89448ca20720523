import { AppError, type ApiKey, type Clock, type Ids, type KeyStore } from "@berth/core"
import type { ProjectId } from "@berth/protocol"
import type { GroupCommit } from "./group-commit.ts"
import { openSecret, sealSecret } from "./seal-secret.ts"
import { textOf, textOrNull, type Sql, type SqlRow } from "./sql.ts"

const keyColumns = "id, name, project, created_at"

/** API keys as sha-256 of their secrets; secrets sealed with `secretsKey` (AES-GCM). */
export function createSqliteKeyStore(options: {
  readonly sql: Sql
  readonly group: GroupCommit
  readonly clock: Clock
  readonly ids: Ids
  readonly secretsKey: CryptoKey
}): KeyStore {
  const { sql, group, clock, ids, secretsKey } = options
  const insert = sql.prepare("INSERT INTO api_key VALUES (?1, ?2, ?3, ?4, ?5)")
  const selectHash = sql.prepare(`SELECT ${keyColumns} FROM api_key WHERE hash = ?1`)
  const selectAll = sql.prepare(`SELECT ${keyColumns} FROM api_key ORDER BY created_at, id`)
  const selectId = sql.prepare("SELECT 1 FROM api_key WHERE id = ?1")
  const remove = sql.prepare("DELETE FROM api_key WHERE id = ?1")
  const removeSecrets = sql.prepare("DELETE FROM secret WHERE scope = ?1")
  const insertSecret = sql.prepare("INSERT INTO secret VALUES (?1, ?2, ?3)")
  const selectSecrets = sql.prepare("SELECT name, sealed FROM secret WHERE scope = ?1 ORDER BY name")

  const findByHash = (hash: string): ApiKey | null => {
    const [row] = selectHash.all(hash)
    return row === undefined ? null : parseKey(row)
  }

  return {
    async createKey({ name, project, secret = newSecret() }) {
      const hash = await sha256(secret)
      const key = await group.commit(() => {
        const known = findByHash(hash)
        if (known !== null) return known
        const made = {
          id: `key_${ids.next()}`,
          name,
          project,
          createdAt: new Date(clock.now()).toISOString(),
        }
        insert.run(made.id, name, project, made.createdAt, hash)
        return made
      })
      return { key, secret }
    },
    async verify(secret) {
      return findByHash(await sha256(secret))
    },
    async listKeys() {
      return selectAll.all().map(parseKey)
    },
    deleteKey(id) {
      return group.commit(() => {
        const isKnown = selectId.all(id).length > 0
        if (isKnown) remove.run(id)
        return isKnown
      })
    },
    async putSecrets(scope, values) {
      const seal = async ([name, value]: [string, string]): Promise<[string, string]> => [
        name,
        await sealSecret(secretsKey, placeOf(scope, name), value),
      ]
      const sealed = await Promise.all(Object.entries(values).map(seal))
      await group.commit(() => {
        removeSecrets.run(scope)
        for (const [name, text] of sealed) insertSecret.run(scope, name, text)
      })
    },
    async getSecrets(scope) {
      const open = async (row: SqlRow): Promise<[string, string]> => {
        const name = textOf(row[0])
        return [name, await openSecret(secretsKey, placeOf(scope, name), textOf(row[1]))]
      }
      try {
        return Object.fromEntries(await Promise.all(selectSecrets.all(scope).map(open)))
      } catch (error) {
        throw new AppError("internal", "Stored secrets do not open: is the secrets key another one?", {
          cause: error,
        })
      }
    },
  }
}

function parseKey(row: SqlRow): ApiKey {
  return {
    id: textOf(row[0]),
    name: textOf(row[1]),
    project: textOrNull(row[2] ?? null) as ProjectId | null,
    createdAt: textOf(row[3]),
  }
}

function placeOf(scope: string, name: string): string {
  return `${scope}\0${name}`
}

/** 256 random bits, in hexadecimal after a prefix that secret scanners can know. */
function newSecret(): string {
  return `berth_${hex(crypto.getRandomValues(new Uint8Array(32)))}`
}

async function sha256(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
