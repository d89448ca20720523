/** A message goes on in another element when one holds so much: a long one is not laid out again and again. */
const blockLength = 16_384
/** Chunks come faster than anybody reads. */
const flushMs = 30

/** Streamed text: chunks of one kind go into one element until something else comes. `add(className)` makes one. */
export function createMessages(add) {
  let message = null
  let unshown = ""

  function start(kind, more = "") {
    return { kind, node: add(`${kind} ${more}`), length: 0, isClosing: false, isAtLineStart: true }
  }

  function flush() {
    if (message === null || unshown === "") return
    const border = message.length > blockLength ? unshown.indexOf("\n") + 1 : 0
    const text = unshown
    unshown = ""
    if (border > 0) {
      message.node.append(text.slice(0, border))
      message = start(message.kind, "more")
    }
    message.node.append(text.slice(border))
    message.length += text.length - border
    message.isAtLineStart = text.endsWith("\n")
  }

  /** Puts what belongs to a line that was begun before a note where that line is; answers how much it was. */
  function endLine(kind, text) {
    if (message.kind !== kind || message.isAtLineStart) return 0
    const end = text.indexOf("\n")
    const length = end === -1 ? text.length : end + 1
    message.node.append(text.slice(0, length))
    message.isAtLineStart = end !== -1
    return length
  }

  function end() {
    flush()
    message = null
  }

  return {
    say(kind, text) {
      const length = message?.isClosing === true ? endLine(kind, text) : 0
      if (length === text.length) return
      if (message?.kind !== kind || message.isClosing) {
        end()
        message = start(kind)
      }
      if (unshown === "") setTimeout(flush, flushMs)
      unshown += text.slice(length)
    },
    /** Something stands behind the message now: it ends with its line. */
    interrupt() {
      flush()
      if (message !== null) message.isClosing = true
    },
    end,
  }
}
