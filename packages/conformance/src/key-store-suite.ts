import type { KeyStore } from "@berth/core"
import type { ProjectId } from "@berth/protocol"
import { expect } from "vitest"
import { defineSuite, type Fixture, type SuiteOptions, type SuiteTests } from "./define-suite.ts"

export interface KeyFixture extends Fixture {
  readonly keys: KeyStore
}

export function keyStoreSuite(
  name: string,
  open: () => Promise<KeyFixture>,
  options: SuiteOptions = {},
): void {
  defineSuite(`KeyStore: ${name}`, keyStoreTests, open, options)
}

const keyStoreTests: SuiteTests<KeyFixture> = {
  "a key is known by its secret": async ({ keys }) => {
    const { key, secret } = await keys.createKey({ name: "laptop", project: "web" as ProjectId })
    expect(key).toMatchObject({ name: "laptop", project: "web" })
    expect(key.createdAt).toMatch(/^\d{4}-\d\d-\d\dT/)
    expect(secret.length).toBeGreaterThanOrEqual(32)
    expect(await keys.verify(secret)).toEqual(key)
  },

  "a key may be for every project": async ({ keys }) => {
    const { key, secret } = await keys.createKey({ name: "all", project: null })
    expect(key.project).toBeNull()
    expect(await keys.verify(secret)).toEqual(key)
  },

  "what is no secret of a key is null": async ({ keys }) => {
    const { key, secret } = await keys.createKey({ name: "a", project: null })
    for (const wrong of [
      "",
      key.id,
      `${secret} `,
      secret.slice(1),
      secret.toUpperCase(),
      "x".repeat(10_000),
    ]) {
      expect(await keys.verify(wrong)).toBeNull()
    }
  },

  "two keys of one name have two ids and two secrets": async ({ keys }) => {
    const [one, two] = await Promise.all([
      keys.createKey({ name: "a", project: null }),
      keys.createKey({ name: "a", project: null }),
    ])
    expect(one.key.id).not.toBe(two.key.id)
    expect(one.secret).not.toBe(two.secret)
  },

  "a secret given is the secret kept, once": async ({ keys }) => {
    const request = { name: "bootstrap", project: null, secret: "chosen by the operator" }
    const [first, second] = await Promise.all([keys.createKey(request), keys.createKey(request)])
    const third = await keys.createKey(request)
    expect(first.secret).toBe(request.secret)
    expect([second.key, third.key]).toEqual([first.key, first.key])
    expect(await keys.verify(request.secret)).toEqual(first.key)
    expect(await keys.listKeys()).toHaveLength(1)
  },

  "keys are listed without their secrets": async ({ keys }) => {
    const made = [
      await keys.createKey({ name: "a", project: null }),
      await keys.createKey({ name: "b", project: "web" as ProjectId }),
    ]
    const listed = await keys.listKeys()
    expect(listed.map(({ id }) => id).toSorted()).toEqual(made.map(({ key }) => key.id).toSorted())
    for (const { secret } of made) expect(JSON.stringify(listed)).not.toContain(secret)
  },

  "a deleted key opens nothing": async ({ keys }) => {
    const { key, secret } = await keys.createKey({ name: "a", project: null })
    expect(await keys.deleteKey(key.id)).toBe(true)
    expect(await keys.deleteKey(key.id)).toBe(false)
    expect(await keys.deleteKey("key_unknown")).toBe(false)
    expect(await keys.verify(secret)).toBeNull()
    expect(await keys.listKeys()).toEqual([])
  },

  "secrets of a scope are replaced as a whole": async ({ keys }) => {
    const values = { A: "one", B: "", C: "世界 \0\n", D: "x".repeat(32_768), ["__proto__"]: "odd" }
    await keys.putSecrets("session/log_1", values)
    await keys.putSecrets("session/log_2", { A: "other" })
    expect(await keys.getSecrets("session/log_1")).toEqual(values)
    await keys.putSecrets("session/log_1", { B: "two" })
    expect(await keys.getSecrets("session/log_1")).toEqual({ B: "two" })
    await keys.putSecrets("session/log_1", {})
    expect(await keys.getSecrets("session/log_1")).toEqual({})
    expect(await keys.getSecrets("session/log_2")).toEqual({ A: "other" })
    expect(await keys.getSecrets("project/unknown")).toEqual({})
  },
}
