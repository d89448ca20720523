// Takes the pictures in docs/images: a real session of the shell agent, in Debian's Chromium.
import { fileURLToPath } from "node:url"
import { createApiClient, isNotification } from "../tests/support/api-client.ts"
import { launchBrowser } from "../tests/support/browser.ts"
import { startServerProcess } from "../tests/support/server-process.ts"

const images = fileURLToPath(new URL("../docs/images/", import.meta.url))
const server = await startServerProcess()
const api = createApiClient(server.url)
const browser = await launchBrowser()
try {
  await api.createSession({
    id: "log-survey",
    title: "Survey of the log",
    agent: "shell",
    permissions: "auto",
  })
  await api.createSession({ id: "nightly-report", title: "Nightly report", agent: "shell" })
  const { id } = await api.createSession({ id: "demo", title: "Who am I here?", agent: "shell" })
  const run = async (text: string): Promise<void> => {
    const seq = await api.prompt(id, text)
    const asked = await api.waitFor(
      id,
      (entry) => entry.seq > seq && isNotification(entry, "_berth/question"),
    )
    if (asked.type !== "notification" || asked.notification.method !== "_berth/question") return
    const { questionId } = asked.notification.params
    await api.submit(id, "_berth/answer", { questionId, action: "approve" })
    await api.waitFor(id, (entry) => entry.seq > seq && isNotification(entry, "_berth/turn_ended"))
  }
  await run("whoami; hostname; cat /etc/shadow\nls /proc | grep -c '^[0-9]'")
  await run("curl -sS --max-time 3 https://example.com || echo 'no way out'")
  const seq = await api.prompt(id, "echo 'kept in the workspace' > note.txt")
  await api.waitFor(id, (entry) => entry.seq > seq && isNotification(entry, "_berth/question"))
  const shots = [
    ["session", "light", 1280, 800],
    ["session-dark", "dark", 1280, 800],
    ["session-narrow", "dark", 360, 740],
  ] as const
  for (const [name, colorScheme, width, height] of shots) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height } })
    await page.goto(`${server.url}/#${id}`)
    await page.locator(".question:not(.done)").waitFor()
    await page.screenshot({ path: `${images}${name}.png` })
    await page.close()
  }
} finally {
  await browser.close()
  await server.stop()
}
