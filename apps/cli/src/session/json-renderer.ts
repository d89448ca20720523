import type { Terminal } from "../terminal/terminal.ts"
import type { Renderer } from "./renderer.ts"

/** Entries as they are, one JSON object a line; our own words go to stderr. */
export function createJsonRenderer(terminal: Terminal): Renderer {
  return {
    show: (_entry, text) => terminal.data(text),
    say: (text, style = "dim") => terminal.note(`${text}\n`, style),
    breakLine: () => undefined,
  }
}
