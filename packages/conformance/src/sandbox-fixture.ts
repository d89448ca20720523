import type {
  FileInfo,
  FileRoot,
  ProcessExit,
  Sandbox,
  SandboxProvider,
  SandboxSpec,
  SpawnOptions,
} from "@berth/core"
import type { LogId } from "@berth/protocol"
import type { Fixture } from "./define-suite.ts"

export interface SandboxFixture extends Fixture {
  readonly provider: SandboxProvider
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
  readonly exit: ProcessExit
}

export const smallLimits = { memoryMib: 256, cpu: 2, pids: 64, diskMib: 64 } as const

export function specOf(log = "one", limits: SandboxSpec["limits"] = smallLimits): SandboxSpec {
  return { labels: { logId: logIdOf(log), generation: 1 }, limits }
}

export function logIdOf(name: string): LogId {
  return `log_${name.padEnd(26, "0")}` as LogId
}

/** Runs a shell script to its end. */
export function runScript(sandbox: Sandbox, script: string, options: SpawnOptions = {}): Promise<RunResult> {
  return run(sandbox, ["/bin/sh", "-c", script], options)
}

/** Runs `argv`, which reads `input`, to its end. */
export async function run(
  sandbox: Sandbox,
  argv: readonly string[],
  options: SpawnOptions = {},
  input = "",
): Promise<RunResult> {
  const process = await sandbox.spawn(argv, options)
  const [stdout, stderr] = [textOf(process.stdout), textOf(process.stderr)]
  const writer = process.stdin.getWriter()
  // A command that ends without reading refuses what is still written: that is its right.
  await writer.write(bytesOf(input)).then(
    () => writer.close(),
    () => undefined,
  )
  return { stdout: await stdout, stderr: await stderr, exit: await process.exited }
}

export async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new TextDecoder().decode(await collect(stream))
}

export async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function streamOf(...chunks: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === "string" ? bytesOf(chunk) : chunk)
      controller.close()
    },
  })
}

/** Text of a file; null when there is none. */
export async function readText(
  sandbox: Sandbox,
  path: string,
  root: FileRoot = "workspace",
): Promise<string | null> {
  const file = await sandbox.files.read(root, path)
  return file === null ? null : await textOf(file.content)
}

export async function walkAll(sandbox: Sandbox, root: FileRoot = "workspace"): Promise<readonly FileInfo[]> {
  const found: FileInfo[] = []
  for await (const info of sandbox.files.walk(root)) found.push(info)
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

export async function isAlive(provider: SandboxProvider, id: string): Promise<boolean | undefined> {
  return (await provider.list()).find((info) => info.id === id)?.isAlive
}

/** The first line a process prints. */
export async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ""
  while (!text.includes("\n")) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  reader.releaseLock()
  return text.split("\n", 1)[0] ?? ""
}
