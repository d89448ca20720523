import type { Browser } from "playwright-core"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { createApiClient, type ApiClient } from "../support/api-client.ts"
import { hasChromium, launchBrowser } from "../support/browser.ts"
import { hostileAgent } from "../support/hostile-programs.ts"
import { startServerProcess, type ServerProcess } from "../support/server-process.ts"
import { outcomeOf } from "../support/turns.ts"

const markup = [
  `<script>ran()</script><img src=x onerror="ran()"><svg/onload=ran()><iframe srcdoc="<script>parent.ran()</script>">`,
  `</pre></code></div><a href="javascript:ran()" autofocus onfocus="ran()">x</a><style>*{display:none}</style>`,
  `\u001B[31mred\u001B]0;title\u0007\u001B]8;;javascript:ran()\u001B\\link \u202Egnol\u2066 \u0000\u0008 \uFEFF\u2028`,
  "[x](javascript:ran()) ${ran()} {{ran()}} &lt;script&gt; a\u0300\u0301\u0302\u0303\u0304\u0305\u0306",
].join("\n")

describe("hostile output on the page", () => {
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

  it("is text wherever it stands, freezes nothing, and hides nothing that comes after it", async () => {
    const agent = hostileAgent({ HOSTILE_TEXT: markup.replaceAll("\0", "") })
    const { id } = await api.createSession({ agent, title: markup.replaceAll("\0", "").slice(0, 1000) })
    const page = await browser.newPage()
    const faults: string[] = []
    let ran = false
    await page.exposeFunction("ran", () => (ran = true))
    page.on("dialog", (dialog) => void dialog.dismiss())
    page.on("pageerror", (error) => faults.push(error.message))
    await page.goto(`${server.url}/#${id}`)
    const seq = await api.prompt(id, `html ${markup}`)
    const answer = page.locator(".question button").first()
    await answer.waitFor({ timeout: 20_000 })
    expect(await page.locator(".question").innerText()).toContain("<script>ran()</script>")
    await answer.click()
    await page.locator(".entry.agent", { hasText: "the very end" }).waitFor({ timeout: 20_000 })
    expect(await outcomeOf(api, id, seq)).toBe("completed")
    // It answers at once, and still says who speaks.
    const startedAt = performance.now()
    await page.fill("#prompt", "still here")
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    const text = await page.locator("#log").innerText()
    expect(text.split("<script>ran()</script>").length).toBeGreaterThan(4)
    expect(
      await page.locator("#log script, #log style, #log iframe, #log svg, #log a[href^=javascript]").count(),
    ).toBe(0)
    expect(await page.title()).toBe("Berth")
    await page.reload()
    await page.locator(".entry.agent", { hasText: "the very end" }).waitFor({ timeout: 20_000 })
    expect(faults).toEqual([])
    expect(ran).toBe(false)
    await page.close()
  }, 90_000)
})
