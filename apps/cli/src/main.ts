import { AppError } from "@berth/core"
import { readConfig } from "./config.ts"
import { createProgram } from "./program.ts"
import { createTerminal } from "./terminal/terminal.ts"

const { stdin, stdout, stderr } = process
// A reader that goes away, as `head` does, is no fault of ours.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  process.exit(0)
})

try {
  const config = readConfig()
  const terminal = createTerminal({ stdin, stdout, stderr, signals: process }, config)
  const exit = (code: number): void => {
    process.exitCode = code
  }
  try {
    await createProgram({ config, terminal, stdin, exit }).parseAsync()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    terminal.note(`berth: ${error.message}\n`, "bad")
    process.exitCode = error.code === "bad_params" ? 2 : 1
  }
} catch (error) {
  stderr.write(`berth: ${error instanceof AppError ? error.message : String(error)}\n`)
  process.exitCode = 1
}
