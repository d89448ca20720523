import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import { runScript, specOf, type SandboxFixture } from "./sandbox-fixture.ts"

const limits = { memoryMib: 128, cpu: 1, pids: 32, diskMib: 16 } as const

export const sandboxLimitTests: SuiteTests<SandboxFixture> = {
  "memory beyond the limit ends the process, with the reason": async ({ provider }) => {
    const sandbox = await provider.create(specOf("one", limits))
    const hog =
      'node -e "const a=[]; for(let i=0;i<60;i++) a.push(Buffer.alloc(5e6,1)); console.log(a.length)"'
    const { exit, stdout } = await runScript(sandbox, `exec ${hog}`)
    expect([exit.reason, stdout]).toEqual(["memory", ""])
    expect((await runScript(sandbox, "echo fine")).stdout).toBe("fine\n")
  },

  "processes beyond the limit are not started": async ({ provider }) => {
    const sandbox = await provider.create(specOf("one", limits))
    const script = "i=0; while [ $i -lt 64 ]; do sleep 1000 & i=$((i+1)); done; echo all"
    const { stdout, exit } = await runScript(sandbox, script)
    expect([stdout, exit.code]).not.toEqual(["all\n", 0])
    expect((await runScript(sandbox, "echo fine")).stdout).toBe("fine\n")
  },

  "disk beyond the limit ends the sandbox, until files are removed": async ({ provider }) => {
    const [sandbox, other] = await Promise.all([
      provider.create(specOf("one", limits)),
      provider.create(specOf("two", limits)),
    ])
    const process = await sandbox.spawn([
      "/bin/sh",
      "-c",
      "for i in 1 2 3 4; do head -c 6000000 /dev/zero >f$i; done; sleep 1000",
    ])
    expect(await sandbox.exceeded).toBe("disk")
    expect(await process.exited).toEqual({ code: null, signal: "SIGKILL", reason: "disk" })
    await refusal(sandbox.spawn(["true"]), "storage_full")
    for (const name of ["f1", "f2", "f3"]) await sandbox.files.remove("workspace", name)
    expect((await runScript(sandbox, "echo room")).stdout).toBe("room\n")
    expect((await runScript(other, "echo fine")).stdout).toBe("fine\n")
  },

  "too many files are too much disk": async ({ provider }) => {
    const sandbox = await provider.create(specOf("one", limits))
    const script =
      "node -e \"for(let i=0;i<12000;i++) require('fs').writeFileSync(String(i),'')\"; sleep 1000"
    const process = await sandbox.spawn(["/bin/sh", "-c", script])
    expect(await sandbox.exceeded).toBe("disk")
    expect((await process.exited).reason).toBe("disk")
  },
}
