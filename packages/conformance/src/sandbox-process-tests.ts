import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import { matching } from "./expected.ts"
import {
  bytesOf,
  collect,
  firstLine,
  isAlive,
  readText,
  run,
  runScript,
  specOf,
  textOf,
  type SandboxFixture,
} from "./sandbox-fixture.ts"

const exitedWith = (code: number) => ({ code, signal: null, reason: "exited" })
const oddWords = [
  "",
  " ",
  "a b",
  "'",
  '"',
  "$HOME",
  "`id`",
  "\\",
  "*",
  "-n",
  "--",
  "naïve ☃",
  "line\nbreak",
  "x=1",
]

export const sandboxProcessTests: SuiteTests<SandboxFixture> = {
  "arguments arrive as they are": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const { stdout, exit } = await run(sandbox, ["printf", "%s|", ...oddWords])
    expect(stdout).toBe(oddWords.map((word) => `${word}|`).join(""))
    expect(exit).toEqual(exitedWith(0))
  },

  "variables arrive as they are, and of the host's none": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const values = Object.fromEntries(oddWords.map((word, index) => [`ODD_${index}`, word]))
    const env = { ...values, PATH: "/usr/bin:/bin", UID: "7", IFS: "x", LD_PRELOAD: "" }
    const { stdout } = await run(sandbox, ["env", "-0"], { env })
    const seen = new Map(
      stdout.split("\0").map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]),
    )
    for (const [name, value] of Object.entries(env)) expect([name, seen.get(name)]).toEqual([name, value])
    expect([...seen.keys()].filter((name) => /^(VITEST|NODE|npm_|__berth)/.test(name ?? ""))).toEqual([])
  },

  "without variables of its own a process finds programs, a home and a user": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const { stdout } = await runScript(sandbox, 'cd && touch here && node -p "1+1" && echo $USER')
    expect(stdout).toBe("2\nagent\n")
    expect(await sandbox.files.stat("home", "here")).not.toBeNull()
  },

  "the working directory is the workspace, or the one asked for": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await runScript(sandbox, "touch a; mkdir sub")
    await runScript(sandbox, "touch b", { cwd: "/workspace/sub" })
    expect(await sandbox.files.stat("workspace", "a")).not.toBeNull()
    expect(await sandbox.files.stat("workspace", "sub/b")).not.toBeNull()
  },

  "exit codes are kept, and signals named": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    for (const code of [0, 1, 3, 127, 200, 255]) {
      expect((await runScript(sandbox, `exit ${code}`)).exit).toEqual(exitedWith(code))
    }
    for (const signal of ["TERM", "KILL", "INT"]) {
      const { exit, stderr } = await runScript(sandbox, `kill -${signal} $$`)
      expect(exit).toEqual({ code: null, signal: `SIG${signal}`, reason: "exited" })
      expect(stderr).toBe("")
    }
  },

  "a program that is not there ends with a word and a code": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const ended = await run(sandbox, ["/nowhere/at-all"]).catch((error: unknown) => error)
    // Either way: refused at once, or ended as a shell would end it.
    if (ended instanceof Error) return expect(ended).toHaveProperty("code")
    expect(ended).toMatchObject({ exit: exitedWith(127), stderr: matching(/not found/) })
  },

  "megabytes pass through unchanged": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const process = await sandbox.spawn(["cat"])
    const sent = new Uint8Array(5_000_000).map((_, index) => (index * 7919) >> 5)
    const received = collect(process.stdout)
    const writer = process.stdin.getWriter()
    for (let at = 0; at < sent.length; at += 70_001) await writer.write(sent.subarray(at, at + 70_001))
    await writer.close()
    const bytes = await received
    expect(bytes.length).toBe(sent.length)
    expect(bytes.every((byte, index) => byte === sent[index])).toBe(true)
    expect(await process.exited).toEqual(exitedWith(0))
  },

  "output written just before the end is not lost, read late or early": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const script = "head -c 50000 /dev/zero; echo tail; head -c 50000 /dev/zero >&2; echo end >&2"
    for (const isLate of [true, false]) {
      const process = await sandbox.spawn(["/bin/sh", "-c", script])
      if (isLate) await process.exited
      const [out, errors] = await Promise.all([textOf(process.stdout), textOf(process.stderr)])
      expect([out.length, out.slice(-5)]).toEqual([50_005, "tail\n"])
      expect([errors.length, errors.slice(-4)]).toEqual([50_004, "end\n"])
    }
  },

  "a reader that waits holds the writer back": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const script = "head -c 20000000 /dev/zero; touch done"
    const process = await sandbox.spawn(["/bin/sh", "-c", script])
    const reader = process.stdout.getReader()
    let length = (await reader.read()).value?.length ?? 0
    expect(await sandbox.files.stat("workspace", "done")).toBeNull()
    reader.releaseLock()
    length += (await collect(process.stdout)).length
    expect(length).toBe(20_000_000)
    expect(await process.exited).toEqual(exitedWith(0))
  },

  "nobody reading, cancelled: the process goes on": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const process = await sandbox.spawn(["/bin/sh", "-c", "head -c 2000000 /dev/zero; exit 4"])
    await process.stdout.cancel()
    expect(await process.exited).toEqual(exitedWith(4))
  },

  "the standard streams can be opened by name": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const script = "cat /dev/stdin >/dev/stdout; echo bad >/dev/stderr"
    expect(await run(sandbox, ["/bin/sh", "-c", script], {}, "in")).toMatchObject({
      stdout: "in",
      stderr: "bad\n",
    })
  },

  "a process that does not read refuses what is written, and no more": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const process = await sandbox.spawn(["true"])
    const writer = process.stdin.getWriter()
    const flood = async (): Promise<void> => {
      for (;;) await writer.write(new Uint8Array(100_000))
    }
    await refusal(flood(), "conflict")
    expect(await process.exited).toEqual(exitedWith(0))
  },

  "a command's end is the end of what it left behind": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const script = "(trap '' TERM HUP; sleep 1000) & setsid sleep 1000 & exit 5"
    expect((await runScript(sandbox, script)).exit).toEqual(exitedWith(5))
    expect(await isAlive(provider, sandbox.id)).toBe(false)
  },

  "kill ends the whole tree, whatever it ignores, and soon": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const script =
      "trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & setsid sleep 1000 & echo up; sleep 1000; sleep 1000"
    const process = await sandbox.spawn(["/bin/sh", "-c", script])
    expect(await firstLine(process.stdout)).toBe("up")
    await Promise.all([process.kill(), process.kill()])
    expect(await isAlive(provider, sandbox.id)).toBe(false)
    expect(await process.exited).toEqual({ code: null, signal: "SIGKILL", reason: "killed" })
    await process.kill()
  },

  "kill in the moment of the start leaves nothing": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    for (let round = 0; round < 10; round += 1) {
      const process = await sandbox.spawn(["sleep", "1000"])
      await process.kill()
      expect((await process.exited).signal).toBe("SIGKILL")
    }
    expect(await isAlive(provider, sandbox.id)).toBe(false)
  },

  "kill after the end changes nothing": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const process = await sandbox.spawn(["true"])
    await process.exited
    await process.kill()
    expect(await process.exited).toEqual(exitedWith(0))
  },

  "kill spares the others of the sandbox": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const [doomed, spared] = await Promise.all([sandbox.spawn(["sleep", "1000"]), sandbox.spawn(["cat"])])
    await doomed.kill()
    const writer = spared.stdin.getWriter()
    await writer.write(bytesOf("still here\n"))
    expect(await firstLine(spared.stdout)).toBe("still here")
    await writer.close()
    expect(await spared.exited).toEqual(exitedWith(0))
  },

  "an abort ends the process, one before the start prevents it": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const abort = new AbortController()
    const process = await sandbox.spawn(["sleep", "1000"], { signal: abort.signal })
    abort.abort()
    expect(await process.exited).toEqual({ code: null, signal: "SIGKILL", reason: "aborted" })
    await expect(sandbox.spawn(["touch", "ran"], { signal: abort.signal })).rejects.toThrow("abort")
    expect(await readText(sandbox, "ran")).toBeNull()
  },

  "twenty at once share one tree of files": async ({ provider }) => {
    const sandbox = await provider.create(specOf("one", { memoryMib: 512, cpu: 2, pids: 512, diskMib: 64 }))
    const runs = Array.from({ length: 20 }, (_, index) =>
      runScript(sandbox, `echo ${index} >f${index}; echo ${index}`),
    )
    expect((await Promise.all(runs)).map(({ stdout }) => Number(stdout))).toEqual([...runs.keys()])
    expect((await runScript(sandbox, "ls | wc -l")).stdout.trim()).toBe("20")
  },

  "what cannot be started is refused": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await refusal(sandbox.spawn([]), "bad_params")
    await refusal(sandbox.spawn([""]), "bad_params")
    await refusal(sandbox.spawn(["echo", "a\0b"]), "bad_params")
    await refusal(sandbox.spawn(["true"], { cwd: "relative" }), "bad_params")
    await refusal(sandbox.spawn(["true"], { env: { "A=B": "c" } }), "bad_params")
    await refusal(sandbox.spawn(["true"], { env: { A: "\0" } }), "bad_params")
  },
}
