import type { ApiKey, Clock, Ids, KeyStore } from "@berth/core"

/** The reference KeyStore. Nothing outlives the process, so secrets are kept as they are. */
export function createMemoryKeyStore(options: { readonly clock: Clock; readonly ids: Ids }): KeyStore {
  const { clock, ids } = options
  const keys = new Map<string, ApiKey>()
  const secrets = new Map<string, Readonly<Record<string, string>>>()

  return {
    async createKey({ name, project, secret = `berth_${crypto.randomUUID()}` }) {
      const known = keys.get(secret)
      if (known !== undefined) return { key: known, secret }
      const key = { id: `key_${ids.next()}`, name, project, createdAt: new Date(clock.now()).toISOString() }
      keys.set(secret, key)
      return { key, secret }
    },
    async verify(secret) {
      return keys.get(secret) ?? null
    },
    async listKeys() {
      return [...keys.values()]
    },
    async deleteKey(id) {
      const found = [...keys].find(([, key]) => key.id === id)
      return found !== undefined && keys.delete(found[0])
    },
    async putSecrets(scope, values) {
      if (Object.keys(values).length === 0) secrets.delete(scope)
      else secrets.set(scope, { ...values })
    },
    async getSecrets(scope) {
      return secrets.get(scope) ?? {}
    },
  }
}
