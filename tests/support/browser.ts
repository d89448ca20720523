import { existsSync } from "node:fs"
import { chromium, type Browser } from "playwright-core"

const executablePath = "/usr/bin/chromium"

export function hasChromium(): boolean {
  return existsSync(executablePath)
}

/** Debian's Chromium, without the connections to its maker that it would try. */
export function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-quic",
      "--no-first-run",
      ...more,
    ],
  })
}
