// The page at `/`: the list of sessions, one of them live, and a place to write a prompt.
import { call } from "./api.js"
import { createEntries, make } from "./entries.js"
import { plain } from "./plain-text.js"

const refreshMs = 5_000
const reopenMs = 1_000

const $ = (id) => document.getElementById(id)
const log = $("log")
const entries = createEntries(log, {
  answer: (questionId, optionId) => send("_berth/answer", { questionId, optionId }),
  onStatus: showStatus,
})
let sessionId = null
let source = null
/** Newest entry that was shown: whatever the connection did, none is shown twice. */
let lastSeq = 0

/** Whoever is at the end stays there; whoever scrolled up to read is left alone. */
let isFollowing = true
log.addEventListener("scroll", () => (isFollowing = log.scrollHeight - log.scrollTop - log.clientHeight < 40))
const follow = () => isFollowing && (log.scrollTop = log.scrollHeight)
new MutationObserver(follow).observe(log, { childList: true, subtree: true, characterData: true })
new ResizeObserver(follow).observe(log)

function show(problem) {
  $("problem").textContent = plain(problem)
  $("problem").hidden = problem === ""
}

function showStatus(status) {
  $("status").textContent = status.replace("_", " ")
  $("status").className = `status ${status}`
  $("cancel").hidden = status !== "running" && status !== "awaiting_input"
}

function showConnection(text) {
  $("connection").textContent = text
  $("connection").className = text
}

function open(id) {
  sessionId = id
  lastSeq = 0
  isFollowing = true
  entries.clear()
  showStatus("")
  show("")
  $("title").textContent = id
  $("raw").hidden = false
  $("raw").href = `/api/sessions/${encodeURIComponent(id)}/log.ndjson`
  connect(id)
  void showSession(id)
  void refresh()
}

/** The browser reconnects by itself with the last id it saw; only what it takes for final is left to us. */
function connect(id) {
  source?.close()
  const opened = new EventSource(`/api/sessions/${encodeURIComponent(id)}/sync?compact=1&after=${lastSeq}`)
  source = opened
  showConnection("connecting…")
  opened.addEventListener("open", () => showConnection("live"))
  opened.addEventListener("error", () => {
    if (opened.readyState !== EventSource.CLOSED) return showConnection("reconnecting…")
    showConnection("not connected")
    setTimeout(() => source === opened && void reconnect(id), reopenMs)
  })
  opened.addEventListener("message", (event) => {
    const entry = JSON.parse(event.data)
    if (entry.seq <= lastSeq) return
    lastSeq = entry.seq
    entries.show(entry)
  })
  opened.addEventListener("gap", (event) => {
    const gap = JSON.parse(event.data)
    lastSeq = Math.max(lastSeq, gap.to)
    entries.gap(gap)
  })
  opened.addEventListener("end", () => {
    opened.close()
    source = null
    showConnection("closed")
  })
}

/** A session that was deleted, or made anew under the same name, is not what was shown. */
async function reconnect(id) {
  try {
    const session = await call("GET", `/api/sessions/${encodeURIComponent(id)}`)
    if (sessionId !== id) return
    if (session.head_seq < lastSeq) open(id)
    else connect(id)
  } catch (error) {
    if (sessionId !== id) return
    show(error.message)
    setTimeout(
      () => sessionId === id && source?.readyState === EventSource.CLOSED && void reconnect(id),
      reopenMs,
    )
  }
}

async function showSession(id) {
  try {
    const session = await call("GET", `/api/sessions/${encodeURIComponent(id)}`)
    if (sessionId !== id) return
    $("title").textContent = plain(session.title || id)
    log.classList.toggle("terminal", session.agent === "shell")
  } catch (error) {
    show(error.message)
  }
}

async function send(method, params, key = crypto.randomUUID()) {
  show("")
  try {
    const path = `/api/sessions/${encodeURIComponent(sessionId)}/sync`
    await call("POST", path, { jsonrpc: "2.0", method, params }, { "idempotency-key": key })
    return true
  } catch (error) {
    show(error.message)
    return false
  }
}

async function refresh() {
  try {
    const { sessions } = await call("GET", "/api/sessions?limit=50")
    $("sessions").replaceChildren(...sessions.map(sessionLink))
  } catch (error) {
    // The page is of use while the server is away, and says so by its connection.
    if (source === null) show(error.message)
  }
}

function sessionLink(session) {
  const anchor = make("a", "")
  anchor.href = `#${session.id}`
  if (session.id === sessionId) anchor.setAttribute("aria-current", "page")
  const created = new Date(session.created_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })
  anchor.append(
    make("span", "name", plain(session.title || session.id)),
    make("span", `status ${session.status}`, session.status.replace("_", " ")),
    make("small", "", `${session.agent ?? session.language} · ${created}`),
  )
  return anchor
}

async function createSession() {
  const session = await call("POST", "/api/sessions", {})
  location.hash = session.id
  return session.id
}

/** Of the text in the field: sent again after a failure, it is the same prompt. */
let promptKey = crypto.randomUUID()
async function submitPrompt() {
  const field = $("prompt")
  const text = field.value.trim()
  if (text === "") return
  try {
    if (sessionId === null) open(await createSession())
    field.value = ""
    const isSent = await send("session/prompt", { prompt: [{ type: "text", text }] }, promptKey)
    if (isSent) promptKey = crypto.randomUUID()
    else if (field.value === "") field.value = text
  } catch (error) {
    show(error.message)
  }
}

$("prompt").addEventListener("input", () => (promptKey = crypto.randomUUID()))
$("composer").addEventListener("submit", (event) => {
  event.preventDefault()
  void submitPrompt()
})
$("prompt").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
  event.preventDefault()
  void submitPrompt()
})
$("new").addEventListener("click", () => createSession().catch((error) => show(error.message)))
$("cancel").addEventListener("click", () => void send("session/cancel", {}))

function openFromAddress() {
  const id = location.hash.slice(1)
  if (id !== "" && id !== sessionId) open(id)
}
addEventListener("hashchange", openFromAddress)
openFromAddress()
if (sessionId === null) void refresh()
setInterval(refresh, refreshMs)
call("GET", "/api/health")
  .then((health) => ($("health").textContent = `${health.version} · isolation: ${health.isolation.level}`))
  .catch((error) => show(error.message))
