import { argumentOffset, assemble, verdicts, wordOffsets, type Statement } from "./bpf-assembler.ts"
import { lastKnownSyscall, syscallNumbers, type SyscallName } from "./syscall-numbers.ts"

export const auditArchitectures = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
export type SeccompArchitecture = keyof typeof auditArchitectures

export function isSeccompArchitecture(name: string): name is SeccompArchitecture {
  return name in auditArchitectures
}

const errno = { EPERM: 1, ENOSYS: 38, EPROTONOSUPPORT: 93, EAFNOSUPPORT: 97 } as const

/** The bit of x86_64 numbers that selects the x32 ABI. */
const x32Bit = 0x40000000

const judgedByArguments: ReadonlySet<SyscallName> = new Set([
  "clone",
  "clone3",
  "unshare",
  "socket",
  "socketpair",
  "ioctl",
])

/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}; in `unshare` also CLONE_NEWTIME, a signal's bit in `clone`. */
const namespaceFlags = 0x7e020000
const newTimeNamespace = 0x80

const terminalCommands = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c, TIOCSETD: 0x5423 } as const
const families = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const
const socketTypes = { stream: 1, datagram: 2 } as const
const socketTypeMask = 0xf
const protocols = { netlinkRoute: 0, sctp: 132 } as const

/**
 * What a sandboxed process may ask of the kernel. A call is allowed unless it reaches for the host, for
 * namespaces or for kernel surface that no program here needs; a foreign architecture kills.
 */
export function sandboxPolicy(architecture: SeccompArchitecture): Uint8Array {
  return assemble(policyStatements(architecture))
}

function policyStatements(architecture: SeccompArchitecture): readonly Statement[] {
  const column = architecture === "x64" ? 0 : 1
  const numberOf = (name: SyscallName): number => {
    const number = syscallNumbers[name][column]
    if (number === null) throw new RangeError(`${architecture} has no ${name}`)
    return number
  }
  const refused = (Object.keys(syscallNumbers) as SyscallName[])
    .filter((name) => !judgedByArguments.has(name))
    .map((name) => syscallNumbers[name][column])
    .filter((number) => number !== null)

  return [
    { load: wordOffsets.architecture },
    { jump: "equal", value: auditArchitectures[architecture], otherwise: "kill" },
    { load: wordOffsets.number },
    { jump: "atLeast", value: x32Bit, goto: "unknown" },
    { jump: "greater", value: lastKnownSyscall, goto: "unknown" },
    // Its flags are behind a pointer; C libraries fall back to clone.
    { jump: "equal", value: numberOf("clone3"), goto: "unknown" },
    ...refused.map((value): Statement => ({ jump: "equal", value, goto: "refuse" })),

    { jump: "equal", value: numberOf("clone"), goto: "clone" },
    { jump: "equal", value: numberOf("unshare"), goto: "unshare" },
    { jump: "equal", value: numberOf("ioctl"), goto: "ioctl" },
    { jump: "equal", value: numberOf("socketpair"), goto: "socketpair" },
    { jump: "equal", value: numberOf("socket"), goto: "socket", otherwise: "allow" },

    { label: "clone" },
    { load: argumentOffset(0) },
    { jump: "anyBit", value: namespaceFlags, goto: "refuse", otherwise: "allow" },

    { label: "unshare" },
    { load: argumentOffset(0) },
    { jump: "anyBit", value: namespaceFlags | newTimeNamespace, goto: "refuse", otherwise: "allow" },

    { label: "ioctl" },
    { load: argumentOffset(1) },
    { jump: "equal", value: terminalCommands.TIOCSTI, goto: "refuse" },
    { jump: "equal", value: terminalCommands.TIOCLINUX, goto: "refuse" },
    { jump: "equal", value: terminalCommands.TIOCSETD, goto: "refuse", otherwise: "allow" },

    { label: "socketpair" },
    { load: argumentOffset(0) },
    { jump: "equal", value: families.unix, goto: "allow", otherwise: "no family" },

    { label: "socket" },
    { load: argumentOffset(0) },
    { jump: "equal", value: families.unix, goto: "allow" },
    { jump: "equal", value: families.netlink, goto: "netlink" },
    { jump: "equal", value: families.inet, goto: "internet" },
    { jump: "equal", value: families.inet6, goto: "internet", otherwise: "no family" },

    { label: "netlink" },
    { load: argumentOffset(2) },
    { jump: "equal", value: protocols.netlinkRoute, goto: "allow", otherwise: "no protocol" },

    { label: "internet" },
    // SCTP would load a kernel module.
    { load: argumentOffset(2) },
    { jump: "equal", value: protocols.sctp, goto: "no protocol" },
    { load: argumentOffset(1) },
    { mask: socketTypeMask },
    { jump: "equal", value: socketTypes.stream, goto: "allow" },
    { jump: "equal", value: socketTypes.datagram, goto: "allow", otherwise: "refuse" },

    { label: "allow" },
    { verdict: verdicts.allow },
    { label: "refuse" },
    { verdict: verdicts.refuse(errno.EPERM) },
    { label: "unknown" },
    { verdict: verdicts.refuse(errno.ENOSYS) },
    { label: "no family" },
    { verdict: verdicts.refuse(errno.EAFNOSUPPORT) },
    { label: "no protocol" },
    { verdict: verdicts.refuse(errno.EPROTONOSUPPORT) },
    { label: "kill" },
    { verdict: verdicts.killProcess },
  ]
}
