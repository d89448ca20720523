import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

export interface ChildServer<Info> {
  readonly info: Info
  readonly pid: number
  close(): Promise<void>
}

/** Starts a server of this folder as a process; it says where it is in one line of JSON, and ends with its stdin. */
export async function startChildServer<Info>(
  file: string,
  args: readonly (string | number)[] = [],
): Promise<ChildServer<Info>> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const child = spawn(process.execPath, [path, ...args.map(String)], { stdio: ["pipe", "pipe", "inherit"] })
  let text = ""
  const info = await new Promise<Info>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${file} ended with ${code}`)))
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      const end = text.indexOf("\n")
      if (end !== -1) resolve(JSON.parse(text.slice(0, end)) as Info)
    })
  })
  return {
    info,
    pid: child.pid ?? 0,
    async close() {
      const exited = once(child, "exit")
      child.stdin.end()
      await exited
    },
  }
}
