/** The little that the page needs of an OpenAPI document. */
interface Description {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths?: Readonly<Record<string, unknown>>
}

const methods = ["get", "put", "post", "patch", "delete"] as const
const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
details { border-top: 1px solid #8886; padding: .5rem 0 }
summary { cursor: pointer }
code, pre { font: 14px/1.45 ui-monospace, monospace }
pre { overflow: auto; background: #8881; padding: .75rem; border-radius: .25rem }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600 }
.summary { opacity: .75; margin-left: .75rem }
`

/** The API as a page of our own: no script, nothing from elsewhere. */
export async function renderDocs(description: Description): Promise<Response> {
  const { info, paths = {} } = description
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => renderOperation(method, path, isRecord(item) ? item[method] : undefined)),
  )
  const title = escapeHtml(`${info.title} ${info.version}`)
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width"><style>${style}</style>
<h1>${title}</h1><p>${escapeHtml(info.description ?? "")} Machine-readable: <a href="/openapi.json">openapi.json</a>.</p>
${operations.join("\n")}</html>`
  const policy = `default-src 'none'; style-src 'sha256-${await sha256(style)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  return new Response(html, {
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
  })
}

function renderOperation(method: string, path: string, operation: unknown): readonly string[] {
  if (!isRecord(operation)) return []
  const { summary, ...rest } = operation
  const details = escapeHtml(JSON.stringify(rest, null, 2))
  const words = typeof summary === "string" ? escapeHtml(summary) : ""
  return [
    `<details><summary><code><span class="method">${method.toUpperCase()}</span>${escapeHtml(path)}</code>` +
      `<span class="summary">${words}</span></summary><pre>${details}</pre></details>`,
  ]
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
}
