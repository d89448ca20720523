import { describe, expect, test } from "vitest"
import { argumentOffset, assemble, verdicts, wordOffsets } from "./bpf-assembler.ts"
import { auditArchitectures, isSeccompArchitecture, sandboxPolicy } from "./sandbox-policy.ts"
import { lastKnownSyscall, syscallNumbers, type SyscallName } from "./syscall-numbers.ts"

interface Call {
  readonly architecture: number
  readonly number: number
  readonly arguments?: readonly bigint[]
}

/** Runs a program as the kernel would, over what it would see of a call. */
function judge(program: Uint8Array, call: Call): number {
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(wordOffsets.number, call.number >>> 0, true)
  data.setUint32(wordOffsets.architecture, call.architecture, true)
  for (const [index, value] of (call.arguments ?? []).entries()) {
    data.setBigUint64(argumentOffset(index), BigInt.asUintN(64, value), true)
  }
  const view = new DataView(program.buffer)
  let accumulator = 0
  for (let at = 0; at < program.length / 8; at += 1) {
    const code = view.getUint16(8 * at, true)
    const value = view.getUint32(8 * at + 4, true)
    const jump = (holds: boolean): void => {
      at += view.getUint8(8 * at + (holds ? 2 : 3))
    }
    if (code === 0x20) accumulator = data.getUint32(value, true)
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0
    else if (code === 0x15) jump(accumulator === value)
    else if (code === 0x25) jump(accumulator > value)
    else if (code === 0x35) jump(accumulator >= value)
    else if (code === 0x45) jump((accumulator & value) !== 0)
    else if (code === 0x06) return value
    else throw new Error(`unknown code ${code}`)
  }
  throw new Error("ran off the end")
}

const { allow, killProcess, refuse } = verdicts
const [EPERM, ENOSYS, EPROTONOSUPPORT, EAFNOSUPPORT] = [refuse(1), refuse(38), refuse(93), refuse(97)]
const x64 = sandboxPolicy("x64")

function on64(name: SyscallName, ...values: readonly number[]): number {
  const call = { architecture: auditArchitectures.x64, number: syscallNumbers[name][0] }
  return judge(x64, { ...call, arguments: values.map(BigInt) })
}

describe.each(["x64", "arm64"] as const)("%s", (name) => {
  const program = sandboxPolicy(name)
  const architecture = auditArchitectures[name]
  const column = name === "x64" ? 0 : 1

  test("refuses every call it names without arguments that would allow it", () => {
    const judged = ["clone", "unshare", "socket", "socketpair", "ioctl"]
    for (const [call, numbers] of Object.entries(syscallNumbers)) {
      const number = numbers[column]
      if (number === null || judged.includes(call)) continue
      expect([call, judge(program, { architecture, number })]).toEqual([
        call,
        call === "clone3" ? ENOSYS : EPERM,
      ])
    }
  })

  test("allows what programs live on", () => {
    const everyday = {
      x64: [0, 1, 2, 3, 9, 12, 39, 57, 59, 101, 231, 257, 302, 318, 332, 436, 439],
      arm64: [56, 63, 64, 93, 117, 172, 214, 221, 222, 278, 291],
    }
    for (const number of everyday[name])
      expect([number, judge(program, { architecture, number })]).toEqual([number, allow])
  })

  test("kills a foreign architecture and knows nothing newer than itself", () => {
    for (const foreign of [0x40000003, 0x40000028, 0, 0xffffffff]) {
      expect(judge(program, { architecture: foreign, number: 1 })).toBe(killProcess)
    }
    expect(judge(program, { architecture, number: lastKnownSyscall })).toBe(allow)
    for (const number of [lastKnownSyscall + 1, 0x40000000, 0x40000001, 0x7fffffff, -1]) {
      expect(judge(program, { architecture, number })).toBe(ENOSYS)
    }
  })
})

test("threads and forks, but no namespaces", () => {
  const thread = 0x3d0f00
  expect(on64("clone", thread)).toBe(allow)
  expect(on64("clone", 17)).toBe(allow)
  expect(on64("unshare", 0x400)).toBe(allow)
  for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
    expect(on64("clone", flag | 17)).toBe(EPERM)
    expect(on64("unshare", flag)).toBe(EPERM)
  }
  expect(on64("unshare", 0x80)).toBe(EPERM)
})

test("no way to type into a terminal, whatever the upper half of the command", () => {
  expect(on64("ioctl", 1, 0x5401)).toBe(allow)
  for (const command of [0x5412, 0x541c, 0x5423]) {
    expect(on64("ioctl", 0, command)).toBe(EPERM)
    const number = syscallNumbers.ioctl[0]
    const smuggled = (1n << 32n) | BigInt(command)
    expect(judge(x64, { architecture: auditArchitectures.x64, number, arguments: [0n, smuggled] })).toBe(
      EPERM,
    )
  }
})

test("sockets of the families that a sandbox has a use for", () => {
  const [stream, datagram, raw, packet, nonBlocking] = [1, 2, 3, 10, 0o4000]
  for (const family of [1, 2, 10]) {
    expect(on64("socket", family, stream, 0)).toBe(allow)
    expect(on64("socket", family, datagram | nonBlocking, 0)).toBe(allow)
  }
  expect(on64("socket", 16, raw, 0)).toBe(allow)
  expect(on64("socket", 16, raw, 9)).toBe(EPROTONOSUPPORT)
  expect(on64("socket", 2, raw, 1)).toBe(EPERM)
  expect(on64("socket", 10, raw | nonBlocking, 58)).toBe(EPERM)
  expect(on64("socket", 2, packet, 3)).toBe(EPERM)
  expect(on64("socket", 2, stream, 132)).toBe(EPROTONOSUPPORT)
  for (const family of [0, 3, 4, 17, 21, 29, 30, 31, 38, 40, 44]) {
    expect([family, on64("socket", family, stream, 0)]).toEqual([family, EAFNOSUPPORT])
  }
  expect(on64("socketpair", 1, stream, 0)).toBe(allow)
  expect(on64("socketpair", 30, stream, 0)).toBe(EAFNOSUPPORT)
})

test("the assembler writes what seccomp(2) reads", () => {
  const program = assemble([
    { load: 4 },
    { jump: "equal", value: 7, otherwise: "end" },
    { verdict: 1 },
    { label: "end" },
    { verdict: 2 },
  ])
  expect(Buffer.from(program).toString("hex")).toBe(
    ["2000000004000000", "1500000107000000", "0600000001000000", "0600000002000000"].join(""),
  )
})

test("the assembler refuses a jump that the format cannot hold", () => {
  const far = Array.from({ length: 256 }, () => ({ load: 0 }))
  expect(() =>
    assemble([{ jump: "equal", value: 1, goto: "end" }, ...far, { label: "end" }, { verdict: 1 }]),
  ).toThrow(/256 statements away/)
  expect(() => assemble([{ label: "start" }, { jump: "equal", value: 1, goto: "start" }])).toThrow(/away/)
  expect(() => assemble([{ jump: "equal", value: 1, goto: "nowhere" }])).toThrow(/no label nowhere/)
})

test("only architectures whose calls are known have a policy", () => {
  expect(["x64", "arm64", "ia32", "riscv64"].map(isSeccompArchitecture)).toEqual([true, true, false, false])
})
