import { createBubblewrapProvider } from "../bubblewrap-provider.ts"
import { createTestLogger, testClock } from "./test-host.ts"

/**
 * A process that uses a provider beside the test's. Arguments: the directory, `hold` or `run`, a script.
 * `hold` starts `sleep` twice, bound to this process and not, says the sandbox's id and waits to be killed;
 * `run` runs the script and says how it went.
 */
const [directory = "", mode = "", script = ""] = process.argv.slice(2)
const provider = createBubblewrapProvider({ directory, clock: testClock, logger: createTestLogger() })
const sandbox = await provider.create({
  labels: { logId: "log_00000000000000000000000000" as never, generation: 1 },
  limits: { memoryMib: 256, cpu: 1, pids: 64, diskMib: 64 },
})

if (mode === "hold") {
  const bound = await sandbox.spawn(["/bin/sh", "-c", "echo up; exec sleep 1001"], { dieWithParent: true })
  // Bubblewrap binds itself a few milliseconds after its start.
  await bound.stdout.getReader().read()
  const free = await sandbox.spawn(["sleep", "1002"])
  say({ id: sandbox.id })
  await Promise.all([bound.exited, free.exited])
} else {
  const child = await sandbox.spawn(["/bin/sh", "-c", script])
  await child.stdin.close()
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  const exit = await child.exited
  const files: string[] = []
  for await (const { path } of sandbox.files.walk("workspace")) files.push(path)
  await provider.destroy(sandbox.id)
  say({
    isolation: sandbox.isolation,
    stdout,
    stderr,
    exit,
    files: files.toSorted(),
    left: await provider.list(),
  })
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
