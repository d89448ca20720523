// Runs inside of a sandbox: publishes pages that try to act in the name of whoever looks at them.
import { writeFileSync } from "node:fs"
import { connect } from "node:net"
import { once } from "node:events"

const script = `
  document.title = "ran"
  const say = (text) => (document.body.append(text), (document.title += " " + text))
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: '{"id":"made-by-a-page"}' }
  fetch("/api/sessions").then(async (answer) => say("read " + answer.status + (await answer.text()))).catch(() => say("refused"))
  fetch("/api/sessions", post).then((answer) => say("wrote " + answer.status)).catch(() => say("refused"))
  fetch("/api/sessions", { ...post, mode: "no-cors", headers: {} }).catch(() => {})
  new EventSource("/api/sessions/victim/sync").onmessage = (event) => say("followed " + event.data)
  navigator.sendBeacon("/api/sessions", '{"id":"made-by-a-page"}')
  navigator.serviceWorker?.register("worker.js").then(() => say("registered")).catch(() => {})
  if (window.opener) opener.location.hash = "#taken"
`
const files = {
  "page.html": `<!doctype html><meta http-equiv="content-security-policy" content="script-src *"><title>quiet</title><body onload="document.title='ran by onload'"><script>${script}</script><form id=f action="/api/sessions" method="post" enctype="text/plain"><input name='{"id":"made-by-a-page","x":"' value='"}'></form><script>f.submit()</script><img src="/api/sessions" onerror="document.title='ran by onerror'"><iframe src="/"></iframe><p>the page</p></body>`,
  "image.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='ran'"><script>${script.replaceAll("=>", "=&gt;").replaceAll("&&", "&amp;&amp;")}</script><rect width="9" height="9"/></svg>`,
  "worker.js": "self.addEventListener('fetch', () => {})",
  "text.txt": `<!doctype html><script>${script}</script>`,
}
const socket = connect("/run/berth/tools.sock")
socket.setEncoding("utf8")
let text = ""
socket.on("data", (chunk) => (text += chunk))
let id = 0
async function call(method, params) {
  id += 1
  const wanted = `"id":${id}}`
  socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`)
  while (!text.includes(wanted) && !text.includes(`"id":${id},`)) await once(socket, "data")
}
await call("initialize", {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "page", version: "1" },
})
socket.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`)
for (const [path, content] of Object.entries(files)) {
  writeFileSync(path, content)
  await call("tools/call", {
    name: "publish_artifact",
    arguments: { path, type: path.endsWith("svg") ? "image" : "file" },
  })
}
socket.destroy()
