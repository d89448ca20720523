import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const files = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/page/page.js", "page.js", "text/javascript; charset=utf-8"],
  ["/page/api.js", "api.js", "text/javascript; charset=utf-8"],
  ["/page/entries.js", "entries.js", "text/javascript; charset=utf-8"],
  ["/page/messages.js", "messages.js", "text/javascript; charset=utf-8"],
  ["/page/plain-text.js", "plain-text.js", "text/javascript; charset=utf-8"],
  ["/page/page.css", "page.css", "text/css; charset=utf-8"],
  ["/page/icon.svg", "icon.svg", "image/svg+xml"],
] as const

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ")

interface Routes {
  get(path: string, handler: () => Response): unknown
}

/** The page at `/`: a few static files, read once, with a policy under which nothing else can run. */
export function servePage(app: Routes): void {
  for (const [path, file, type] of files) {
    const body = readFileSync(fileURLToPath(new URL(`./page/${file}`, import.meta.url)))
    const headers = {
      "content-type": type,
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    }
    app.get(path, () => new Response(body, { headers }))
  }
}
