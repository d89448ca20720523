import { PassThrough, Writable } from "node:stream"
import { EventEmitter } from "node:events"
import { createTerminal, type Terminal } from "../terminal/terminal.ts"

/** A terminal with a person at it who is a test. */
export interface FakeTerminal {
  readonly terminal: Terminal
  readonly stdout: () => string
  readonly stderr: () => string
  type(line: string): void
  interrupt(): void
  /** Resolves once stderr holds `text`, and stdin was asked for where somebody is to type. */
  seen(text: string): Promise<void>
}

export function createFakeTerminal(options: { readonly isInteractive?: boolean } = {}): FakeTerminal {
  const written = { stdout: "", stderr: "" }
  const changed = new EventEmitter().setMaxListeners(0)
  const sink = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written[name] += chunk.toString()
        changed.emit("change")
        done()
      },
    })
  const input = new PassThrough()
  const stdin = Object.assign(input, { isTTY: options.isInteractive ?? false })
  const signals = new EventEmitter()
  const terminal = createTerminal(
    { stdin, stdout: sink("stdout"), stderr: sink("stderr"), signals: signals as NodeJS.Process },
    { hasColor: false },
  )
  return {
    terminal,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    type: (line) => void input.write(`${line}\n`),
    interrupt: () => void signals.emit("SIGINT"),
    async seen(text) {
      while (!written.stderr.includes(text) && !written.stdout.includes(text)) {
        await new Promise((resolve) => changed.once("change", resolve))
      }
    },
  }
}
