import { createHttpPorts, expectError, jsonBody } from "@berth/conformance"
import type { ProjectId } from "@berth/protocol"
import { describe, expect, it } from "vitest"
import type { AccessOptions, ApiBindings } from "../api-options.ts"
import { createApi } from "../create-api.ts"

const local: ApiBindings = { remoteAddress: "127.0.0.1", isLoopbackBind: true }
const world: ApiBindings = { remoteAddress: "203.0.113.7", isLoopbackBind: false }

async function open(change: Partial<AccessOptions> = {}) {
  const ports = createHttpPorts()
  const access: AccessOptions = {
    mode: "loopback",
    corsOrigins: ["https://app.example"],
    trustForwardedHeaders: false,
    cookieSecret: new Uint8Array(32).fill(7),
    requestsPerMinute: null,
    ...change,
  }
  const api = createApi({ ...ports.api, access })
  const { key, secret } = await ports.stores.keys.createKey({ name: "all", project: null })
  const call = async (
    path: string,
    headers: Readonly<Record<string, string>> = {},
    bindings: Partial<ApiBindings> = local,
    init: RequestInit = {},
  ): Promise<Response> => {
    const host = headers["host"] ?? "127.0.0.1:8787"
    const all = { ...(init.headers as Record<string, string> | undefined), ...headers }
    return api.fetch(new Request(`http://${host}${path}`, { ...init, headers: all }), bindings)
  }
  return { ...ports, call, key, secret, bearer: { authorization: `Bearer ${secret}` } }
}

const list = "/api/sessions"

describe("loopback", () => {
  it.each(["127.0.0.1:8787", "localhost:8787", "LOCALHOST", "[::1]:8787", "127.1.2.3"])(
    "lets %s in without a key",
    async (host) => {
      const { call } = await open()
      expect((await call(list, { host })).status).toBe(200)
    },
  )

  it.each(["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0:8787", "10.0.0.1"])(
    "refuses a page that gave itself our address by DNS: %s",
    async (host) => {
      const { call } = await open()
      await expectError(await call(list, { host }), 403, "forbidden")
      await expectError(await call("/metrics", { host }), 403, "forbidden")
      await expectError(await call("/outputs/s/a.txt", { host }), 403, "forbidden")
    },
  )

  it("asks for a key wherever the bind is not loopback", async () => {
    const { call, bearer } = await open()
    const refused = await call(list, {}, world)
    expect(refused.headers.get("www-authenticate")).toMatch(/^Bearer/)
    await expectError(refused, 401, "unauthenticated")
    await expectError(await call(list, {}, {}), 401, "unauthenticated")
    expect((await call(list, bearer, world)).status).toBe(200)
  })

  it("lets browsers in from our own pages alone", async () => {
    const { call } = await open()
    const own = { origin: "http://127.0.0.1:8787", "sec-fetch-site": "same-origin" }
    expect((await call(list, own)).status).toBe(200)
    expect((await call(list, { "sec-fetch-site": "none" })).status).toBe(200)
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "http://127.0.0.1:9999" },
      { origin: "http://localhost:8787" },
      { origin: "null" },
    ]) {
      await expectError(await call(list, headers), 403, "forbidden")
    }
  })

  it("answers health, its description and pages to anyone", async () => {
    const { call } = await open()
    const foreign = { host: "evil.example", origin: "https://evil.example" }
    for (const path of ["/health", "/api/health", "/openapi.json", "/docs", "/docs/"]) {
      expect((await call(path, foreign, world)).status).toBe(200)
    }
    await expectError(await call("/", foreign, world), 404, "not_found")
    await expectError(await call("/page/x.js", foreign, world), 404, "not_found")
  })
})

describe("keys", () => {
  it("takes a right one and refuses a wrong one, in every mode", async () => {
    for (const mode of ["loopback", "keys", "none"] as const) {
      const { call, bearer } = await open({ mode })
      expect((await call(list, bearer, world)).status).toBe(200)
      for (const authorization of ["Bearer wrong", "Bearer", "Basic YTpi", "Bearer a b", ""]) {
        await expectError(await call(list, { authorization }), 401, "unauthenticated")
      }
      expect((await call(list)).status).toBe(mode === "keys" ? 401 : 200)
    }
  })

  it("binds a key to its project", async () => {
    const { call, stores, bearer } = await open({ mode: "keys" })
    const { secret } = await stores.keys.createKey({ name: "one", project: "one" as ProjectId })
    const one = { authorization: `Bearer ${secret}` }
    const created = await call(list, one, world, jsonBody("POST", { id: "s" }))
    expect(await created.json()).toMatchObject({ project: "one" })
    expect((await call(`${list}/s`, { ...one, "x-berth-project": "one" }, world)).status).toBe(200)
    await expectError(await call(`${list}/s`, { ...one, "x-berth-project": "two" }, world), 403, "forbidden")
    await expectError(await call(`${list}/s?project=two`, one, world), 403, "forbidden")
    await expectError(await call(`${list}/s`, bearer, world), 404, "session_not_found")
    expect((await call(`${list}/s?project=one`, bearer, world)).status).toBe(200)
    await expectError(await call("/api/keys", one, world), 403, "forbidden")
    await expectError(await call("/api/keys", one, world, jsonBody("POST", { name: "x" })), 403, "forbidden")
  })

  it("are created once, listed without their secrets, and deleted", async () => {
    const { call, bearer } = await open({ mode: "keys" })
    const created = await call("/api/keys", bearer, world, jsonBody("POST", { name: "ci", project: "p" }))
    expect(created.status).toBe(201)
    const { id, key } = (await created.json()) as { id: string; key: string }
    const listed = await (await call("/api/keys", bearer, world)).text()
    expect(listed).toContain(id)
    expect(listed).not.toContain(key)
    const own = { authorization: `Bearer ${key}` }
    expect((await call(list, own, world)).status).toBe(200)
    const deleted = await call(`/api/keys/${id}`, bearer, world, { method: "DELETE" })
    expect(await deleted.json()).toEqual({ deleted: id, success: true, id })
    await expectError(await call(list, own, world), 401, "unauthenticated")
    await expectError(
      await call(`/api/keys/${id}`, bearer, world, { method: "DELETE" }),
      404,
      "key_not_found",
    )
  })

  it("are limited in their rate, each on its own", async () => {
    const { call, stores, bearer, advance } = await open({ mode: "keys", requestsPerMinute: 60 })
    const statuses = async (count: number): Promise<readonly number[]> =>
      Promise.all(Array.from({ length: count }, async () => (await call(list, bearer)).status))
    expect((await statuses(10)).every((status) => status === 200)).toBe(true)
    const refused = await call(list, bearer)
    expect(refused.headers.get("retry-after")).toBe("1")
    await expectError(refused, 429, "rate_limited")
    const other = await stores.keys.createKey({ name: "other", project: null })
    expect((await call(list, { authorization: `Bearer ${other.secret}` })).status).toBe(200)
    await advance(2_000)
    expect(await statuses(3)).toEqual([200, 200, 429])
  })
})

describe("session cookies", () => {
  const signIn = async (server: Awaited<ReturnType<typeof open>>): Promise<string> => {
    const response = await server.call(
      "/api/auth/session",
      {},
      world,
      jsonBody("POST", { key: server.secret }),
    )
    expect(response.status).toBe(200)
    const header = response.headers.get("set-cookie") ?? ""
    expect(header).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(header).not.toContain(server.secret)
    return header.split(";")[0] ?? ""
  }

  it("stand for the key until it is deleted", async () => {
    const server = await open({ mode: "keys" })
    const cookie = await signIn(server)
    expect((await server.call(list, { cookie }, world)).status).toBe(200)
    expect((await server.call(list, { cookie: `a=b; ${cookie}; c=d` }, world)).status).toBe(200)
    await server.stores.keys.deleteKey(server.key.id)
    await expectError(await server.call(list, { cookie }, world), 401, "unauthenticated")
  })

  it("expire, and cannot be made up", async () => {
    const server = await open({ mode: "keys" })
    const cookie = await signIn(server)
    for (const forged of [
      `${cookie}x`,
      cookie.replace(/=./, "=A"),
      "berth_session=",
      "berth_session=a.b.c",
    ]) {
      if (forged === cookie) continue
      await expectError(await server.call(list, { cookie: forged }, world), 401, "unauthenticated")
    }
    await server.advance(8 * 86_400_000)
    await expectError(await server.call(list, { cookie }, world), 401, "unauthenticated")
  })

  it("work from our own pages alone", async () => {
    const server = await open({ mode: "keys" })
    const cookie = await signIn(server)
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "same-site" },
    ]) {
      const init = jsonBody("POST", {})
      await expectError(await server.call(list, { cookie, ...headers }, world, init), 403, "forbidden")
    }
    const own = { cookie, origin: "http://127.0.0.1:8787", "sec-fetch-site": "same-origin" }
    expect((await server.call(list, own, world)).status).toBe(200)
  })

  it("are given back, and not given for a wrong key", async () => {
    const server = await open({ mode: "keys" })
    const wrong = await server.call("/api/auth/session", {}, world, jsonBody("POST", { key: "wrong" }))
    expect(wrong.headers.get("set-cookie")).toBeNull()
    await expectError(wrong, 401, "unauthenticated")
    const gone = await server.call("/api/auth/session", {}, world, { method: "DELETE" })
    expect(gone.headers.get("set-cookie")).toMatch(/^berth_session=; Max-Age=0/)
  })
})

describe("proxies and other origins", () => {
  it("refuses forwarded headers unless told to trust them", async () => {
    const { call, bearer } = await open()
    for (const name of ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"]) {
      await expectError(await call(list, { [name]: "127.0.0.1" }), 403, "forbidden")
      await expectError(await call(list, { ...bearer, [name]: "127.0.0.1" }), 403, "forbidden")
    }
    const trusting = await open({ trustForwardedHeaders: true })
    const headers = { "x-forwarded-host": "berth.example", "x-forwarded-proto": "https" }
    await expectError(await trusting.call(list, headers), 403, "forbidden")
    expect((await trusting.call(list, { ...headers, ...trusting.bearer })).status).toBe(200)
    const body = jsonBody("POST", { key: trusting.secret })
    const signedIn = await trusting.call("/api/auth/session", headers, local, body)
    expect(signedIn.headers.get("set-cookie")).toMatch(/; Secure$/)
  })

  it("answers configured origins, and no others", async () => {
    const { call, bearer } = await open()
    const app = { origin: "https://app.example", "sec-fetch-site": "cross-site" }
    const allowed = await call(list, { ...app, ...bearer })
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example")
    expect(allowed.headers.get("access-control-allow-credentials")).toBeNull()
    expect((await call(list, app)).status).toBe(200)
    const preflight = {
      ...app,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    }
    const answer = await call(list, preflight, local, { method: "OPTIONS" })
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "https://app.example",
    ])
    const evil = await call(list, { origin: "https://evil.example", ...bearer })
    expect([evil.status, evil.headers.get("access-control-allow-origin")]).toEqual([200, null])
  })
})
