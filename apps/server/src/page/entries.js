// Entries of a log as elements. It renders what the log says and keeps nothing of its own, so a reload or a
// restart of the server shows the same. Text from agents only ever becomes text nodes.
import { createMessages } from "./messages.js"
import { contentText, listOf, plain, toolText } from "./plain-text.js"

export function make(kind, className, text = "") {
  const node = document.createElement(kind)
  node.className = className
  node.textContent = text
  return node
}

/** `answer(questionId, optionId)` when a button was pressed; `onStatus(status)` when the session's changed. */
export function createEntries(log, { answer, onStatus }) {
  let prompts = new Map()
  let tools = new Map()
  let questions = new Map()
  let current = null

  const add = (className, text) => {
    const node = make("div", `entry ${className}`, text)
    log.append(node)
    return node
  }
  const messages = createMessages(add)
  /** Our side may have something to say in the middle of an agent's line: the line is ended before it. */
  const note = (text, isBad = false) => {
    messages.interrupt()
    add(isBad ? "note bad" : "note", plain(text))
  }

  /** The card of a tool call; that of the prompt when all it does is run the prompt. */
  function cardOf(update) {
    const known = tools.get(update.toolCallId)
    if (known !== undefined) return known
    messages.end()
    const isPrompt = current !== null && toolText(update.content) === current.text
    const node = isPrompt ? current.node : add("tool")
    const line = make("p", "line")
    const title = make("code", "", isPrompt ? "" : plain(update.toolCallId))
    const status = make("span", "status")
    const output = make("pre", "output")
    line.append(title, status)
    node.append(line)
    if (!isPrompt) node.append(output)
    const tool = { node, title, status, output, isPrompt }
    tools.set(update.toolCallId, tool)
    return tool
  }
  function showTool(update) {
    const { title, status, output, isPrompt } = cardOf(update)
    if (update.title && !isPrompt) title.textContent = plain(update.title)
    if (update.status) {
      status.textContent = plain(update.status).replace("_", " ") + resultOf(update.rawOutput)
      const isKnown = ["pending", "in_progress", "completed", "failed"].includes(update.status)
      status.className = `status ${isKnown ? update.status : ""}`
    }
    if (update.content) {
      const text = toolText(update.content)
      output.textContent = text === title.textContent ? "" : text
    }
  }

  function showQuestion({ questionId, kind, message: asked, options, toolCall }) {
    messages.end()
    const tool = tools.get(toolCall?.toolCallId)
    const node = tool === undefined ? add("question") : make("div", "question")
    if (tool !== undefined) tool.node.append(node)
    const text = tool?.isPrompt === true ? "Run this script?" : plain(asked)
    const buttons = make("div", "buttons")
    for (const option of listOf(options)) {
      const button = make("button", option.kind?.startsWith("allow") ? "primary" : "", plain(option.name))
      button.type = "button"
      button.addEventListener("click", () => answer(questionId, option.optionId))
      buttons.append(button)
    }
    if (kind !== "permission" && buttons.childElementCount === 0) {
      buttons.append(make("span", "", "Answer with berth attach, or over the API."))
    }
    node.append(make("p", "", text), buttons)
    questions.set(questionId, { node, options: listOf(options), tool })
  }
  function resolveQuestion({ questionId, answer: given, by, reason }) {
    const question = questions.get(questionId)
    if (question === undefined) return
    const option = question.options.find((candidate) => candidate.optionId === given?.optionId)
    const said =
      given === null
        ? (reason ?? "not answered")
        : (option?.name ?? given.action ?? given.feedback ?? "answered")
    const text = `${given === null ? "✕" : "✓"} ${plain(said)} · ${plain(by)}`
    if (question.tool?.isPrompt === true) {
      question.tool.title.textContent = text
      question.node.remove()
    } else {
      question.node.classList.add("done")
      question.node.replaceChildren(text)
    }
  }

  function showArtifact({ path, type, url }) {
    messages.end()
    const node = add("artifact")
    const link = make("a", "", plain(path))
    link.href = url
    link.target = "_blank"
    link.rel = "noopener noreferrer"
    if (type === "image") {
      const image = make("img", "")
      image.src = url
      image.alt = ""
      image.loading = "lazy"
      node.append(image)
    }
    node.append(link)
  }

  const updates = {
    agent_message_chunk: ({ content, _meta }) =>
      messages.say(_meta?.berth?.stream === "stderr" ? "agent stderr" : "agent", contentText(content)),
    agent_thought_chunk: ({ content }) => messages.say("thought", contentText(content)),
    tool_call: showTool,
    tool_call_update: showTool,
    plan: ({ entries }) =>
      note(
        listOf(entries)
          .map((entry) => `${entry?.status === "completed" ? "✓" : "·"} ${plain(entry?.content)}`)
          .join("\n"),
      ),
  }

  const notifications = {
    "session/update": ({ update }) => {
      if (Object.hasOwn(updates, update.sessionUpdate)) updates[update.sessionUpdate](update)
    },
    "_berth/session_state": ({ status, detail }) => {
      onStatus(status)
      if (detail) note(detail, status === "failed")
    },
    "_berth/sandbox": ({ state, generation, reason, isolation }) => {
      if (state === "created") return
      const how = isolation === undefined ? "" : ` · isolation: ${isolation.level}`
      note(`sandbox ${generation} ${state}${how}${reason ? ` · ${reason}` : ""}`, state === "lost")
    },
    "_berth/agent_state": ({ state, detail }) => detail && note(`agent ${state}: ${detail}`),
    "_berth/turn_started": ({ commandSeq }) => {
      messages.end()
      current = prompts.get(commandSeq) ?? null
      if (current === null) return
      // One that waited its turn stands where its answer is.
      current.node.classList.remove("waiting")
      log.append(current.node)
    },
    "_berth/turn_ended": ({ outcome, error }) => {
      messages.end()
      current = null
      if (outcome !== "completed")
        note(`turn ${outcome}${error ? `: ${error}` : ""}`, outcome !== "cancelled")
    },
    "_berth/question": showQuestion,
    "_berth/question_expired": ({ questionId }) =>
      questions
        .get(questionId)
        ?.node.append(make("p", "hint", "Nobody waits for it any more; an answer starts a new turn.")),
    "_berth/question_resolved": resolveQuestion,
    "_berth/command_state": ({ state, reason, commandSeq }) => {
      if (state !== "declined") return
      prompts.get(commandSeq)?.node.classList.remove("waiting")
      note(`declined: ${reason ?? ""}`, true)
    },
    "_berth/artifact": showArtifact,
    "_berth/output_truncated": ({ source, droppedBytes }) =>
      note(`${source}: ${droppedBytes} bytes were dropped`, true),
    "_berth/model_stream_cut": ({ reason }) => note(`the model's stream was cut: ${reason}`, true),
    "_berth/error": ({ message: text }) => note(text, true),
  }

  function showPrompt(seq, text) {
    messages.end()
    const node = add("user waiting")
    node.append(make("div", "text", text))
    prompts.set(seq, { node, text })
  }

  function showSpilled({ seq, method, size, blob, key }) {
    messages.end()
    const text = `${plain(method)}: ${(size / 1024).toFixed(0)} KiB, kept beside the log`
    if (key !== undefined) showPrompt(seq, text)
    const link = make("a", "", key === undefined ? text : "the whole prompt")
    link.href = `/api/blobs/${blob}`
    add("note").append(link)
  }

  return {
    /** An entry that cannot be shown is said to be there, and hides none that follows. */
    show(entry) {
      try {
        if (entry.type === "spilled") return showSpilled(entry)
        if (entry.type === "client_message") {
          const { method, params } = entry.message
          if (method === "session/prompt") showPrompt(entry.seq, params.prompt.map(contentText).join("\n"))
          return
        }
        const { method, params } = entry.notification
        if (Object.hasOwn(notifications, method)) notifications[method](params)
      } catch (error) {
        note(`entry ${entry.seq} cannot be shown here: ${error.message}`, true)
      }
    },
    gap: ({ from, to }) => note(`entries ${from} to ${to} are no longer kept`, true),
    clear() {
      messages.end()
      prompts = new Map()
      tools = new Map()
      questions = new Map()
      current = null
      log.replaceChildren()
    },
  }
}

/** What is known of how a command ended. */
function resultOf(raw) {
  const parts = []
  if (typeof raw?.exitCode === "number" && raw.exitCode !== 0) parts.push(`exit code ${raw.exitCode}`)
  const { durationMs } = raw ?? {}
  if (typeof durationMs === "number")
    parts.push(durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(1)} s`)
  return parts.map((part) => ` · ${part}`).join("")
}
