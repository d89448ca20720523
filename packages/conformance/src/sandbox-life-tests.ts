import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import {
  firstLine,
  isAlive,
  logIdOf,
  readText,
  runScript,
  specOf,
  streamOf,
  type SandboxFixture,
} from "./sandbox-fixture.ts"

export const sandboxLifeTests: SuiteTests<SandboxFixture> = {
  "what a sandbox states is what the host's probe stated, with its own limits": async ({ provider }) => {
    const host = await provider.probe()
    const { isolation } = await provider.create(specOf())
    expect([isolation.level, isolation.user, isolation.seccomp]).toEqual([
      host.level,
      host.user,
      host.seccomp,
    ])
    expect(isolation.limits.memory_mib).toEqual({ ...host.limits.memory_mib, value: 256 })
    expect(isolation.limits.disk_mib).toEqual({ ...host.limits.disk_mib, value: 64 })
  },

  "two calls with the same labels give two sandboxes, both listed": async ({ provider }) => {
    const [a, b] = await Promise.all([provider.create(specOf()), provider.create(specOf())])
    expect(a.id).not.toBe(b.id)
    const listed = await provider.list()
    expect(listed.map(({ id }) => id).toSorted()).toEqual([a.id, b.id].toSorted())
    expect(listed.map(({ labels }) => labels)).toEqual([specOf().labels, specOf().labels])
    expect(listed.map((info) => info.isAlive)).toEqual([false, false])
    expect(listed.every(({ createdAt }) => !Number.isNaN(Date.parse(createdAt)))).toBe(true)
  },

  "alive is what has a process": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const process = await sandbox.spawn(["/bin/sh", "-c", "echo up; read line"])
    expect(await firstLine(process.stdout)).toBe("up")
    expect(await isAlive(provider, sandbox.id)).toBe(true)
    await process.stdin.close()
    await process.exited
    expect(await isAlive(provider, sandbox.id)).toBe(false)
  },

  "attached is the same sandbox: its files and its processes": async ({ provider }) => {
    const created = await provider.create(specOf())
    await created.files.write("workspace", "note", streamOf("hello"))
    const process = await created.spawn(["sleep", "1000"])
    const attached = await provider.attach(created.id)
    if (attached === null) throw new Error("it is there")
    expect(attached.isolation).toEqual(created.isolation)
    expect(await readText(attached, "note")).toBe("hello")
    expect((await runScript(attached, "cat note")).stdout).toBe("hello")
    await attached.stop()
    expect((await process.exited).signal).toBe("SIGKILL")
  },

  "what is not there cannot be attached to": async ({ provider }) => {
    await provider.create(specOf())
    for (const id of ["nobody", "", "..", "../..", ".", "a/b", "0".repeat(24)]) {
      expect(await provider.attach(id)).toBeNull()
    }
  },

  "destroy ends and removes everything, again and again": async ({ provider }) => {
    const [doomed, other] = await Promise.all([provider.create(specOf()), provider.create(specOf("other"))])
    await doomed.files.write("workspace", "deep/er/file", streamOf("x"))
    const process = await doomed.spawn(["/bin/sh", "-c", "setsid sleep 1000 & echo up; sleep 1000"])
    await firstLine(process.stdout)
    await Promise.all([provider.destroy(doomed.id), provider.destroy(doomed.id)])
    expect(await process.exited).toMatchObject({ code: null, signal: "SIGKILL" })
    expect(await provider.attach(doomed.id)).toBeNull()
    expect((await provider.list()).map(({ id, labels }) => [id, labels.logId])).toEqual([
      [other.id, logIdOf("other")],
    ])
    await provider.destroy(doomed.id)
    expect((await runScript(other, "echo fine")).stdout).toBe("fine\n")
  },

  "destroying what was never there is nothing": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    for (const id of ["nobody", "", "..", ".", `../${sandbox.id}`]) await provider.destroy(id)
    expect((await provider.list()).map(({ id }) => id)).toEqual([sandbox.id])
  },

  "a tree its owner is locked out of is removed all the same": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await runScript(sandbox, "mkdir -p a/b/c && echo x >a/b/c/f && chmod 000 a/b/c a/b a")
    await provider.destroy(sandbox.id)
    expect(await provider.list()).toEqual([])
  },

  "nothing starts in a destroyed sandbox": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await provider.destroy(sandbox.id)
    await refusal(sandbox.spawn(["true"]), "not_found")
  },

  "stop ends every process and keeps the files": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const one = await sandbox.spawn(["/bin/sh", "-c", "echo kept >f; (sleep 1000 &) ; echo up; sleep 1000"])
    const two = await sandbox.spawn(["sleep", "1000"])
    await firstLine(one.stdout)
    await sandbox.stop()
    expect(await one.exited).toEqual({ code: null, signal: "SIGKILL", reason: "killed" })
    expect(await two.exited).toEqual({ code: null, signal: "SIGKILL", reason: "killed" })
    expect(await isAlive(provider, sandbox.id)).toBe(false)
    expect((await runScript(sandbox, "cat f; echo again")).stdout).toBe("kept\nagain\n")
  },
}
