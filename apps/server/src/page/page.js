// Shows one session live. It renders what the log says and keeps nothing of its own, so a reload or a
// restart of the server shows the same. Text from agents only ever becomes text nodes.

const $ = (id) => document.getElementById(id)
const log = $("log")
const state = { id: null, source: null, last: null, streams: {}, tools: new Map(), questions: new Map() }

async function call(method, path, body, headers = {}) {
  const init = { method, headers: { ...headers } }
  if (body !== undefined) {
    init.headers["content-type"] = "application/json"
    init.body = JSON.stringify(body)
  }
  const response = await fetch(path, init)
  const answer = response.status === 204 ? {} : await response.json()
  if (!response.ok) throw new Error(answer.message ?? answer.error ?? response.statusText)
  return answer
}

function show(problem) {
  $("problem").textContent = problem
  $("problem").hidden = problem === ""
}

function element(kind, text, parent = log) {
  const node = document.createElement("div")
  node.className = `entry ${kind}`
  if (text !== undefined) node.textContent = text
  parent.append(node)
  return node
}

/** Whoever is at the end stays there; whoever scrolled up to read is left alone. */
let isFollowing = true
log.addEventListener("scroll", () => (isFollowing = log.scrollHeight - log.scrollTop - log.clientHeight < 40))
const follow = () => isFollowing && (log.scrollTop = log.scrollHeight)
new MutationObserver(follow).observe(log, { childList: true, subtree: true, characterData: true })
new ResizeObserver(follow).observe(log)

/** Chunks of one message go into one element until something else comes between. */
function stream(kind, text) {
  if (state.streams.kind !== kind) state.streams = { kind, node: element(kind, "") }
  state.streams.node.append(text)
}

function breakStream() {
  state.streams = {}
}

const contentText = (content) =>
  content?.type === "text" ? content.text : content ? `[${content.type}]` : ""

function toolText(content) {
  return (content ?? [])
    .map((part) =>
      part.type === "content"
        ? contentText(part.content)
        : part.type === "diff"
          ? `${part.path}\n${part.newText}`
          : "",
    )
    .join("")
}

function showTool(update) {
  breakStream()
  let tool = state.tools.get(update.toolCallId)
  if (tool === undefined) {
    const node = element("tool")
    const line = document.createElement("p")
    const title = document.createElement("code")
    const status = document.createElement("span")
    const output = document.createElement("pre")
    status.className = "status"
    line.append(title, status)
    node.append(line, output)
    tool = { title, status, output }
    state.tools.set(update.toolCallId, tool)
  }
  if (update.title) tool.title.textContent = update.title
  if (update.status) {
    tool.status.textContent = update.status.replace("_", " ")
    tool.status.className = `status ${update.status === "in_progress" ? "running" : update.status}`
  }
  if (update.content) {
    const text = toolText(update.content)
    tool.output.textContent = text === tool.title.textContent ? "" : text
  }
}

const updates = {
  user_message_chunk: () => {},
  agent_message_chunk: (update) => stream("agent", contentText(update.content)),
  agent_thought_chunk: (update) => stream("thought", contentText(update.content)),
  tool_call: showTool,
  tool_call_update: showTool,
  plan: (update) => {
    breakStream()
    element(
      "note",
      update.entries
        .map((entry) => `${entry.status === "completed" ? "✓" : "·"} ${entry.content}`)
        .join("\n"),
    )
  },
}

function showQuestion(params) {
  breakStream()
  const node = element("question")
  const text = document.createElement("p")
  text.textContent = params.message
  const buttons = document.createElement("div")
  for (const option of params.options) {
    const button = document.createElement("button")
    button.textContent = option.name
    button.addEventListener("click", () =>
      send("_berth/answer", { questionId: params.questionId, optionId: option.optionId }),
    )
    buttons.append(button)
  }
  node.append(text, buttons)
  state.questions.set(params.questionId, { node, buttons, options: params.options })
}

function resolveQuestion({ questionId, answer, by, reason }) {
  const question = state.questions.get(questionId)
  if (question === undefined) return
  const option = question.options.find((candidate) => candidate.optionId === answer?.optionId)
  const said =
    answer === null
      ? (reason ?? "not answered")
      : (option?.name ?? answer.action ?? answer.feedback ?? "answered")
  question.node.className = "entry question done"
  question.node.replaceChildren(`${answer === null ? "✕" : "✓"} ${said} · ${by}`)
}

function showStatus(status) {
  $("status").textContent = status.replace("_", " ")
  $("status").className = `status ${status}`
  $("cancel").hidden = status !== "running" && status !== "awaiting_input"
}

const notifications = {
  "session/update": ({ update }) => updates[update.sessionUpdate]?.(update),
  "_berth/session_state": ({ status, detail }) => {
    showStatus(status)
    if (detail) element("note bad", detail)
  },
  "_berth/sandbox": ({ state: what, generation, reason, isolation }) => {
    breakStream()
    element(
      `note ${what === "lost" ? "bad" : ""}`,
      `sandbox ${generation} ${what}${isolation ? ` (${isolation.level})` : ""}${reason ? `: ${reason}` : ""}`,
    )
  },
  "_berth/agent_state": ({ state: what, detail }) => detail && element("note", `agent ${what}: ${detail}`),
  "_berth/turn_ended": ({ outcome, error }) => {
    breakStream()
    if (outcome !== "completed")
      element(`note ${outcome === "cancelled" ? "" : "bad"}`, `turn ${outcome}${error ? `: ${error}` : ""}`)
  },
  "_berth/question": showQuestion,
  "_berth/question_expired": ({ questionId }) =>
    state.questions.get(questionId)?.node.append("The agent no longer waits; an answer starts a new turn."),
  "_berth/question_resolved": resolveQuestion,
  "_berth/command_state": ({ state: what, reason }) =>
    what === "declined" && element("note bad", `declined: ${reason ?? ""}`),
  "_berth/artifact": ({ path, type, url }) => {
    breakStream()
    const node = element("artifact")
    const link = document.createElement("a")
    link.textContent = path
    link.href = url
    node.append(link)
    if (type !== "image") return
    const image = document.createElement("img")
    image.src = url
    image.alt = path
    node.append(image)
  },
  "_berth/output_truncated": ({ source, droppedBytes }) =>
    element("note bad", `${source}: ${droppedBytes} bytes were dropped`),
  "_berth/model_stream_cut": ({ reason }) => element("note bad", `the model's stream was cut: ${reason}`),
  "_berth/error": ({ message }) => element("note bad", message),
}

function showEntry(entry) {
  if (entry.type === "notification")
    return notifications[entry.notification.method]?.(entry.notification.params)
  if (entry.type === "spilled") return element("note", `a large entry (${entry.size} bytes)`)
  const { method, params } = entry.message
  if (method !== "session/prompt") return
  breakStream()
  element("user", params.prompt.map(contentText).join("\n"))
}

function open(id) {
  state.source?.close()
  isFollowing = true
  Object.assign(state, { id, streams: {}, tools: new Map(), questions: new Map(), last: null })
  log.replaceChildren()
  $("title").textContent = id
  void showSession(id)
  $("raw").hidden = false
  $("raw").href = `/api/sessions/${id}/log.ndjson`
  const source = new EventSource(`/api/sessions/${id}/sync?compact=1`)
  state.source = source
  $("connection").textContent = "connecting…"
  source.addEventListener("open", () => ($("connection").textContent = "live"))
  source.addEventListener("error", () => {
    $("connection").textContent = source.readyState === EventSource.CLOSED ? "not connected" : "reconnecting…"
  })
  source.addEventListener("message", (event) => showEntry(JSON.parse(event.data)))
  source.addEventListener("gap", (event) => {
    const { from, to } = JSON.parse(event.data)
    element("note bad", `entries ${from} to ${to} are no longer kept`)
  })
  source.addEventListener("end", () => {
    source.close()
    $("connection").textContent = "closed"
  })
  void listSessions()
}

async function showSession(id) {
  const session = await call("GET", `/api/sessions/${id}`).catch((error) => show(error.message))
  if (session === undefined || state.id !== id) return
  $("title").textContent = session.title || id
  log.classList.toggle("terminal", session.agent === "shell")
}

async function send(method, params) {
  show("")
  try {
    const key = crypto.randomUUID()
    await call(
      "POST",
      `/api/sessions/${state.id}/sync`,
      { jsonrpc: "2.0", method, params },
      { "idempotency-key": key },
    )
  } catch (error) {
    show(error.message)
  }
}

async function listSessions() {
  const { sessions } = await call("GET", "/api/sessions?limit=50")
  const link = (session) => {
    const anchor = document.createElement("a")
    anchor.href = `#${session.id}`
    if (session.id === state.id) anchor.setAttribute("aria-current", "page")
    const name = document.createElement("span")
    name.textContent = session.title || session.id
    const status = document.createElement("span")
    status.className = `status ${session.status}`
    status.textContent = session.status.replace("_", " ")
    const more = document.createElement("small")
    more.textContent = `${session.agent ?? session.language} · ${new Date(session.created_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}`
    anchor.append(name, status, more)
    return anchor
  }
  $("sessions").replaceChildren(...sessions.map(link))
}

async function createSession() {
  const session = await call("POST", "/api/sessions", {})
  location.hash = session.id
  return session.id
}

async function submitPrompt() {
  const text = $("prompt").value.trim()
  if (text === "") return
  try {
    if (state.id === null) open(await createSession())
    $("prompt").value = ""
    await send("session/prompt", { prompt: [{ type: "text", text }] })
  } catch (error) {
    show(error.message)
  }
}

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
$("cancel").addEventListener("click", () => send("session/cancel", {}))
addEventListener(
  "hashchange",
  () => location.hash.length > 1 && location.hash.slice(1) !== state.id && open(location.hash.slice(1)),
)

const refresh = () => listSessions().catch((error) => show(error.message))
if (location.hash.length > 1) open(location.hash.slice(1))
void refresh()
setInterval(refresh, 5000)
call("GET", "/api/health")
  .then((health) => ($("health").textContent = `${health.version} · isolation: ${health.isolation.level}`))
  .catch((error) => show(error.message))
