import { stripVTControlCharacters } from "node:util"

/**
 * Text of agents, made harmless for a terminal. Escape sequences that are whole are dropped; what is left
 * of control characters is shown as a picture of itself, so that a sequence cut into two chunks cannot be
 * put together again by the terminal. A carriage return alone would overwrite what stands there: it becomes
 * a new line. Characters that turn the direction of writing, or that nobody sees, are shown as U+FFFD:
 * a command that is asked about must read as it runs.
 */
export function neutralise(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, (control) =>
      String.fromCharCode(0x2400 + control.charCodeAt(0)),
    )
    .replaceAll("\u007f", "\u2421")
    .replaceAll(unseen, "\ufffd")
}

/** C1 controls, marks and overrides of direction, characters without width, tags. */
const unseen = /[\u0080-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu

/** JSON that means the same and holds nothing a terminal acts on. JSON itself escapes the C0 controls. */
export function escapeJson(json: string): string {
  return json.replaceAll("\u007f", "\\u007f").replaceAll(unseen, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  )
}

/** One line of at most `max` characters: for titles, names, ids. */
export function neutraliseLine(text: string, max = 400): string {
  const line = neutralise(text)
    .replaceAll(/\s*\n\s*/g, " ⏎ ")
    .trim()
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`
}
