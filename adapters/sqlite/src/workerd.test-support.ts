import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { rolldown } from "rolldown"

// A CommonJS package without types; it answers the path of the program for this platform.
const { default: workerdPath } = createRequire(import.meta.url)("workerd") as { readonly default: string }

/** One ES module without imports, as it would be deployed: what is left of Node fails to load there. */
export async function bundleForWorkerd(path: string): Promise<string> {
  const bundle = await rolldown({ input: path, platform: "browser", external: /^node:/, logLevel: "silent" })
  try {
    const { output } = await bundle.generate({ format: "esm", codeSplitting: false })
    const [chunk] = output
    const imports = [...chunk.imports, ...chunk.dynamicImports]
    if (imports.length > 0) throw new Error(`${path} still imports ${imports.join(", ")}`)
    return chunk.code
  } finally {
    await bundle.close()
  }
}

export interface Workerd {
  /** `http://127.0.0.1:<port>`; another after `restart`. */
  url(): string
  /** Kills it, and starts another over the same storage. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** The Workers runtime itself, without `nodejs_compat`, serving one module. */
export async function startWorkerd(options: {
  readonly code: string
  /** Class of the Durable Objects behind `env.LOG`; none when absent. */
  readonly objectClass?: string
}): Promise<Workerd> {
  const directory = mkdtempSync(join(tmpdir(), "berth-workerd-"))
  mkdirSync(join(directory, "disk"))
  writeFileSync(join(directory, "worker.js"), options.code)
  writeFileSync(join(directory, "config.capnp"), configOf(options.objectClass ?? null))
  let running = await start(directory)
  return {
    url: () => running.url,
    async restart() {
      await kill(running.child)
      running = await start(directory)
    },
    async close() {
      await kill(running.child)
      rmSync(directory, { recursive: true })
    },
  }
}

async function start(directory: string): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const child = spawn(workerdPath, ["serve", "--control-fd=3", "config.capnp"], {
    cwd: directory,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  })
  const control = child.stdio[3] as Readable
  for await (const line of createInterface({ input: control })) {
    const event = JSON.parse(line) as { readonly event: string; readonly port?: number }
    if (event.event === "listen") return { child, url: `http://127.0.0.1:${event.port}` }
  }
  throw new Error("workerd ended before it listened")
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

function configOf(objectClass: string | null): string {
  const objects =
    objectClass === null
      ? ""
      : `durableObjectNamespaces = [(className = "${objectClass}", uniqueKey = "log", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "LOG", durableObjectNamespace = "${objectClass}")],`
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "disk", disk = (path = "disk", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-07-01",
  ${objects}
);
`
}
