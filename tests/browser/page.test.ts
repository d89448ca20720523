import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { createApiClient, isNotification, type ApiClient } from "../support/api-client.ts"
import { hasChromium, launchBrowser } from "../support/browser.ts"
import { drillAgent } from "../support/drill-agent.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"

const timeout = 20_000

describe("the page at /", () => {
  let server: ServerProcess
  let browser: Browser
  let api: ApiClient
  beforeAll(async () => {
    if (!hasChromium()) return
    server = await startServerProcess()
    api = createApiClient(server.url)
    browser = await launchBrowser()
  }, 60_000)
  afterAll(async () => {
    if (!hasChromium()) return
    await browser.close()
    await server.stop()
  })
  beforeEach((context) => {
    if (!hasChromium()) context.skip("missing: chromium")
  })

  const open = async (id = ""): Promise<Page> => {
    const page = await browser.newPage()
    page.setDefaultTimeout(timeout)
    await page.goto(`${server.url}/${id === "" ? "" : `#${id}`}`)
    return page
  }
  const textOf = (page: Page): Promise<string> => page.locator("#log").innerText()

  it("takes a prompt, asks for permission, shows the output, and is the same after a reload", async () => {
    const page = await open()
    await page.fill("#prompt", "echo hello from the page")
    await page.press("#prompt", "Enter")
    await page
      .getByRole("button", { name: "Allow once" })
      .or(page.locator(".question button").first())
      .first()
      .click()
    await page.locator(".entry.agent", { hasText: "hello from the page" }).waitFor()
    await page.locator("#status.idle").waitFor()
    const before = await textOf(page)
    await page.reload()
    await page.locator("#status.idle").waitFor()
    expect(await textOf(page)).toBe(before)
    await page.close()
  })

  it("goes on by itself when the server is killed under it, mid-stream, with nothing lost or doubled", async () => {
    const { id } = await api.createSession({ agent: drillAgent, permissions: "auto" })
    const page = await open(id)
    await api.prompt(id, "stream 3000 10")
    await page.locator(".entry.agent", { hasText: "n50" }).waitFor()
    await page.reload()
    await page.locator(".entry.agent", { hasText: "n100" }).waitFor()
    await server.kill()
    await page.getByText("reconnecting…").waitFor()
    await server.start()
    await api.waitFor(id, (entry) => isNotification(entry, "_berth/turn_ended"), { timeoutMs: 60_000 })
    await page.locator("#status.idle").waitFor()
    const wanted = Array.from({ length: 3000 }, (_, index) => `n${index + 1}`).join("")
    await expect.poll(async () => (await textOf(page)).includes(wanted), { timeout }).toBe(true)
    expect((await textOf(page)).split("boot").length).toBe(2)
    await page.close()
  }, 90_000)

  it("closes a question in every tab when it is answered in one", async () => {
    const { id } = await api.createSession({ agent: drillAgent })
    const [first, second] = await Promise.all([open(id), open(id)])
    await api.prompt(id, "ask may I")
    await first.locator(".question button", { hasText: "Allow" }).waitFor()
    await second.locator(".question button", { hasText: "Allow" }).click()
    for (const page of [first, second]) {
      await page.locator(".question.done", { hasText: "Allow" }).waitFor()
      expect(await page.locator(".question button").count()).toBe(0)
      await page.close()
    }
  })

  it("shows hostile output as text, and stays alive", async () => {
    const { id } = await api.createSession({ agent: "shell", permissions: "auto" })
    const page = await open(id)
    let ran = false
    await page.exposeFunction("ran", () => (ran = true))
    const hostile = [
      `echo '<script>ran()</script><img src=x onerror="ran()"><svg onload="ran()">'`,
      `printf '\\033[31mred\\033]0;title\\007 \\u202Eevil\\n'`,
      `head -c 800000 /dev/zero | tr '\\0' x; echo`,
      "echo the end",
    ].join("\n")
    await api.prompt(id, hostile)
    await page.locator(".entry.agent", { hasText: "the end" }).waitFor({ timeout: 60_000 })
    expect(await textOf(page)).toContain("<script>ran()</script>")
    expect(ran).toBe(false)
    await page.fill("#prompt", "still here")
    expect(await page.inputValue("#prompt")).toBe("still here")
    await page.close()
  }, 90_000)
})
