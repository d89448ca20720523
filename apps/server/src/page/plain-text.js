// What agents send is theirs to choose: any JSON where a text is expected, any character in a text.

const hidden = /[\u0000-\u0008\u000B-\u001F\u007F\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu

/** Characters that act instead of being seen (terminal controls, changes of direction) as what they are. */
function unmask(character) {
  const code = character.codePointAt(0)
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  return code === 0x7f ? "\u2421" : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`
}

/** Any value as text that does nothing but be read. */
export function plain(value) {
  if (value === undefined || value === null) return ""
  const text = typeof value === "string" ? value : JSON.stringify(value)
  return text.replaceAll("\r\n", "\n").replaceAll(hidden, unmask)
}

export const listOf = (value) => (Array.isArray(value) ? value : [])

/** An ACP content block as text. */
export function contentText(content) {
  if (typeof content !== "object" || content === null) return plain(content)
  if (content.type === "text") return plain(content.text)
  return `[${plain(content.type)}${content.name || content.uri ? ` ${plain(content.name ?? content.uri)}` : ""}]`
}

/** What a tool call shows: texts, and files as they become. */
export function toolText(content) {
  const parts = listOf(content).map((part) => {
    if (part?.type === "content") return contentText(part.content)
    return part?.type === "diff" ? `${plain(part.path)}\n${plain(part.newText)}` : ""
  })
  return parts.filter((text) => text !== "").join("\n")
}
