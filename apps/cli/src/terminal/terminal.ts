import { createInterface } from "node:readline"
import type { Readable, Writable } from "node:stream"
import { escapeJson, neutralise } from "./neutralise.ts"

export type Style = "plain" | "dim" | "bold" | "good" | "bad" | "ask"

/**
 * Where people read and type. Everything written is neutralised here, so that nothing can go round it.
 * The agent's words go to stdout; all else goes to stderr, so that stdout can be piped on.
 */
export interface Terminal {
  /** Whether somebody can be asked. */
  readonly isInteractive: boolean
  write(text: string, style?: Style): void
  note(text: string, style?: Style): void
  /** One line of JSON to stdout: the same data, whatever a terminal might act on escaped. */
  data(json: string): void
  /** Calls `listener` for each line typed, and with null at the end of input. Returns how to stop. */
  onLine(listener: (line: string | null) => void): () => void
  /** Calls `listener` for each Ctrl-C (SIGINT). Returns how to stop. */
  onInterrupt(listener: () => void): () => void
}

const codes: Record<Style, string> = { plain: "", dim: "2", bold: "1", good: "32", bad: "31", ask: "1;33" }

export interface TerminalStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly signals: Pick<NodeJS.Process, "on" | "off">
}

export function createTerminal(streams: TerminalStreams, options: { readonly hasColor: boolean }): Terminal {
  const styled = (stream: { readonly isTTY?: boolean }, text: string, style: Style): string => {
    const shown = neutralise(text)
    const code = codes[style]
    const hasColor = options.hasColor && stream.isTTY === true && code !== "" && shown !== ""
    if (!hasColor) return shown
    const end = shown.endsWith("\n") ? "\n" : ""
    return `\u001b[${code}m${shown.slice(0, shown.length - end.length)}\u001b[0m${end}`
  }
  return {
    isInteractive: streams.stdin.isTTY === true,
    write: (text, style = "plain") => void streams.stdout.write(styled(streams.stdout, text, style)),
    note: (text, style = "plain") => void streams.stderr.write(styled(streams.stderr, text, style)),
    data: (json) => void streams.stdout.write(`${escapeJson(json)}\n`),
    onLine(listener) {
      // Not raw: the kernel echoes and edits the line, and output may come between without harm.
      const lines = createInterface({ input: streams.stdin, terminal: false })
      let isStopped = false
      lines.on("line", (line) => {
        if (!isStopped) listener(line)
      })
      lines.on("close", () => {
        if (!isStopped) listener(null)
      })
      return () => {
        isStopped = true
        lines.close()
        streams.stdin.pause()
      }
    },
    onInterrupt(listener) {
      streams.signals.on("SIGINT", listener)
      return () => void streams.signals.off("SIGINT", listener)
    },
  }
}
