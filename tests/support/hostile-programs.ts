import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const source = (name: string): string => readFileSync(new URL(`../hostile/${name}`, import.meta.url), "utf8")

/** For `agent` in POST /api/sessions: `tests/hostile/agent.js`, with variables that it goes by. */
export function hostileAgent(env: Readonly<Record<string, string>> = {}) {
  // A word of argv may be 4 KiB long, a variable 32.
  return {
    argv: [
      "node",
      "--input-type=module",
      "-e",
      "await import(`data:text/javascript,${encodeURIComponent(process.env.AGENT)}`)",
    ],
    env: { ...env, AGENT: source("agent.js") },
  }
}

/** A prompt for the shell agent that runs a program of `tests/hostile` with Node. */
export function runProgram(name: string, wishes: unknown): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
  return [
    `printf %s ${quoted(JSON.stringify(wishes))} > wishes.json`,
    `printf %s ${quoted(source(name))} > program.mjs`,
    "node program.mjs",
  ].join("\n")
}

/** The live sandbox of a log, on the host. */
export function sandboxFolder(dataDirectory: string, log: string): string {
  const root = join(dataDirectory, "sandboxes")
  const found = readdirSync(root).find((id) => {
    const path = join(root, id, "sandbox.json")
    return existsSync(path) && readFileSync(path, "utf8").includes(log)
  })
  if (found === undefined) throw new Error(`no sandbox of ${log}`)
  return join(root, found)
}
