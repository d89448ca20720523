import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { createApiClient, type ApiClient } from "../support/api-client.ts"
import { hasChromium, launchBrowser } from "../support/browser.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { runProgram } from "../support/hostile-programs.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { outcomeOf } from "../support/turns.ts"

describe("pages that are not ours, in a browser beside Berth", () => {
  let server: ServerProcess
  let browser: Browser
  let api: ApiClient
  let foreign: Server
  beforeAll(async () => {
    if (!hasChromium()) return
    server = await startServerProcess()
    api = createApiClient(server.url)
    browser = await launchBrowser(["--host-resolver-rules=MAP *.test 127.0.0.1"])
    foreign = createServer((_request, response) => {
      response.setHeader("content-type", "text/html")
      response.end("<!doctype html><title>foreign</title><p>a page of somebody else</p>")
    })
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve))
    await api.createSession({ id: "victim", agent: drillAgent })
  }, 60_000)
  afterAll(async () => {
    if (!hasChromium()) return
    await browser.close()
    await server.stop()
    foreign.close()
  })
  beforeEach((context) => {
    if (!hasChromium()) context.skip("missing: chromium")
  })

  it("a page that a sandbox published runs nothing and calls nothing", async () => {
    const { id } = await api.createSession({ id: "publisher", agent: "shell", permissions: "auto" })
    expect(await outcomeOf(api, id, await api.prompt(id, runProgram("publish.js", {})))).toBe("completed")
    const before = await sessionIds()
    for (const path of ["page.html", "image.svg", "text.txt", "worker.js"]) {
      const page = await browser.newPage()
      const answer = await page.goto(`${server.url}/outputs/${id}/${path}`)
      expect([path, answer?.status()]).toEqual([path, 200])
      const headers = answer?.headers() ?? {}
      expect(headers["content-security-policy"]).toMatch(/^sandbox; default-src 'none'/)
      expect(headers["x-content-type-options"]).toBe("nosniff")
      expect(await page.title()).not.toContain("ran")
      expect(await callsFrom(page)).toEqual({ read: "refused", wrote: "refused", origin: "null" })
      await page.close()
    }
    // In a frame of a page of ours' neighbour, and opened by the very page at `/`.
    const opener = await browser.newPage()
    await opener.goto(`${server.url}/#victim`)
    const [popup] = await Promise.all([
      opener.waitForEvent("popup"),
      opener.evaluate((url) => void window.open(url), `/outputs/${id}/page.html`),
    ])
    await popup.waitForLoadState()
    expect(await popup.title()).toBe("quiet")
    expect(new URL(opener.url()).hash).toBe("#victim")
    await opener.context().close()
    expect(await sessionIds()).toEqual(before)
    const worker = await api.call("GET", `/outputs/${id}/worker.js`, undefined, {
      "service-worker": "script",
    })
    expect(worker.status).toBe(403)
  })

  it.each(["127.0.0.1", "localhost"])(
    "a page of another port (%s) reads nothing and changes nothing",
    async (host) => {
      const before = await sessionIds()
      const head = (await api.call("GET", "/api/sessions/victim")).body["head_seq"]
      const page = await browser.newPage()
      await page.goto(`http://${host}:${(foreign.address() as AddressInfo).port}/`)
      expect(await callsFrom(page, server.url)).toMatchObject({ read: "refused", wrote: "refused" })
      const seen = await page.evaluate(tryEverything, server.url)
      expect(seen).toEqual([])
      // A form is a navigation: it shows what it was answered.
      const [answer] = await Promise.all([page.waitForNavigation(), page.evaluate(sendForm, server.url)])
      expect([403, 415]).toContain(answer?.status())
      await page.close()
      expect(await sessionIds()).toEqual(before)
      expect((await api.call("GET", "/api/sessions/victim")).body["head_seq"]).toBe(head)
    },
  )

  it("a name that was made to point at us is refused by its Host header", async () => {
    const page = await browser.newPage()
    const { port } = new URL(server.url)
    await page.goto(`http://rebind.test:${port}/`)
    // Its origin is the server's own, as far as the browser can tell: only the name gives it away.
    const answers = await page.evaluate(async () => {
      const read = await fetch("/api/sessions")
      const headers = { "content-type": "application/json" }
      const wrote = await fetch("/api/sessions", { method: "POST", headers, body: "{}" })
      return [read.status, (await read.json()).code, wrote.status]
    })
    expect(answers).toEqual([403, "forbidden", 403])
    await page.close()
  })

  async function sessionIds(): Promise<readonly string[]> {
    const { body } = await api.call("GET", "/api/sessions")
    return (body["sessions"] as readonly { readonly id: string }[]).map((session) => session.id)
  }
})

/** What a script of the page could do, were there one: what it reads and writes by fetch. */
function callsFrom(page: Page, base = ""): Promise<{ read: string; wrote: string; origin: string }> {
  return page.evaluate(async (url) => {
    const headers = { "content-type": "application/json" }
    const init = { method: "POST", headers, body: '{"id":"made-by-a-page"}' }
    const said = (promise: Promise<Response>): Promise<string> =>
      promise.then(
        (answer) => `status ${answer.status}`,
        () => "refused",
      )
    const read = await said(fetch(`${url}/api/sessions`))
    const wrote = await said(fetch(`${url}/api/sessions`, init))
    return { read, wrote, origin: window.origin }
  }, base)
}

/** Runs in a foreign page. Answers what it could learn. */
async function tryEverything(url: string): Promise<readonly string[]> {
  const seen: string[] = []
  const body = '{"id":"made-by-a-page"}'
  const prompt = '{"method":"session/prompt","params":{"prompt":[{"type":"text","text":"x"}]}}'
  for (const credentials of ["include", "omit"] as const) {
    for (const [path, text] of [
      ["/api/sessions", body],
      ["/api/sessions/victim/sync", prompt],
    ] as const) {
      await fetch(url + path, { method: "POST", mode: "no-cors", credentials, body: text }).catch(() => null)
    }
    await fetch(`${url}/api/sessions/victim`, { method: "DELETE", credentials }).catch(() => null)
  }
  navigator.sendBeacon(`${url}/api/sessions`, body)
  await new Promise<void>((resolve) => {
    const source = new EventSource(`${url}/api/sessions/victim/sync`, { withCredentials: true })
    source.addEventListener("message", (event) => seen.push(String(event.data)))
    source.addEventListener("open", () => seen.push("the stream opened"))
    source.addEventListener("error", () => {
      source.close()
      resolve()
    })
  })
  await new Promise<void>((resolve) => {
    const script = document.createElement("script")
    script.src = `${url}/api/sessions`
    script.addEventListener("load", () => (seen.push("it ran as a script"), resolve()))
    script.addEventListener("error", () => resolve())
    document.head.append(script)
  })
  return new Promise((resolve) => {
    const frame = document.createElement("iframe")
    frame.src = `${url}/`
    frame.addEventListener("load", () => {
      try {
        if (frame.contentDocument !== null) seen.push("it looked into a frame")
      } catch {
        seen.push("")
      }
      resolve(seen.filter((text) => text !== ""))
    })
    document.body.append(frame)
  })
}

function sendForm(url: string): void {
  const form = document.createElement("form")
  form.method = "post"
  form.enctype = "text/plain"
  form.action = `${url}/api/sessions`
  const field = document.createElement("input")
  field.name = '{"id":"made-by-a-page","title":"'
  field.value = '"}'
  form.append(field)
  document.body.append(form)
  form.submit()
}
