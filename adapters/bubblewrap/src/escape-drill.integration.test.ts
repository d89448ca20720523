import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer as createWebServer, type Server as WebServer } from "node:http"
import { createServer, type Server } from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { bytesOf, firstLine, readText, runScript, specOf, streamOf, walkAll } from "@berth/conformance"
import type { Sandbox, SandboxProcess } from "@berth/core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { createBubblewrapProvider } from "./bubblewrap-provider.ts"
import { createTestProvider } from "./testing/test-host.ts"

/**
 * Everything somebody inside would try, for real. After each attempt the neighbour's sandbox still answers,
 * its file is whole, and the host's own process, file and server are as they were.
 */
const secret = `secret-${crypto.randomUUID()}`
const limits = { memoryMib: 192, cpu: 1, pids: 64, diskMib: 48 } as const
const { provider, directory, remove } = createTestProvider(createBubblewrapProvider)

let hostFolder: string
let hostProcess: ChildProcess
let web: WebServer
let abstractSocket: Server
let port: number
let requests = 0
let attacker: Sandbox
let neighbour: Sandbox
let answering: SandboxProcess

beforeAll(async () => {
  process.env["BERTH_DRILL_SECRET"] = secret
  hostFolder = mkdtempSync(join(tmpdir(), "berth-host-"))
  writeFileSync(join(hostFolder, "database"), secret)
  hostProcess = spawn("sleep", ["1000"], { stdio: "ignore", env: { DRILL: secret } })
  web = createWebServer((_, response) => {
    requests += 1
    response.end(secret)
  })
  web.listen(0, "0.0.0.0")
  await once(web, "listening")
  port = (web.address() as { port: number }).port
  abstractSocket = createServer((socket) => socket.end(secret))
  abstractSocket.listen(`\0berth-drill-${process.pid}`)
  await once(abstractSocket, "listening")
})

afterAll(async () => {
  delete process.env["BERTH_DRILL_SECRET"]
  hostProcess.kill("SIGKILL")
  web.close()
  abstractSocket.close()
  rmSync(hostFolder, { recursive: true })
  await remove()
})

beforeEach(async () => {
  ;[attacker, neighbour] = await Promise.all([
    provider.create(specOf("attacker", limits)),
    provider.create(specOf("neighbour", limits)),
  ])
  await neighbour.files.write("workspace", "mine", streamOf(secret))
  answering = await neighbour.spawn(["cat"])
})

afterEach(async () => {
  const writer = answering.stdin.getWriter()
  await writer.write(bytesOf("still here\n"))
  expect(await firstLine(answering.stdout)).toBe("still here")
  expect(await readText(neighbour, "mine")).toBe(secret)
  expect([hostProcess.exitCode, hostProcess.signalCode]).toEqual([null, null])
  expect(readFileSync(join(hostFolder, "database"), "utf8")).toBe(secret)
  expect(requests).toBe(0)
  const marks = (await provider.list()).map(({ id }) => `berth-${id}`)
  await Promise.all((await provider.list()).map(({ id }) => provider.destroy(id)))
  // Nothing stays of an attack: no process, mount or group.
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
  for (const mark of marks) expect(mounts).not.toContain(mark.slice("berth-".length))
  expect(readdirSync(directory).filter((name) => !name.startsWith("."))).toEqual([])
})

/** Runs a script that must see nothing; answers all it printed. */
async function attack(script: string): Promise<string> {
  const { stdout, stderr } = await runScript(attacker, script)
  const said = stdout + stderr
  expect(said).not.toContain(secret)
  return said
}

/** Makes system calls one by one and answers `name=errno` for each, 0 for success. */
async function callAll(calls: Readonly<Record<string, string>>): Promise<Readonly<Record<string, number>>> {
  const lines = Object.entries(calls).map(
    ([name, call]) =>
      `@a = (${call}); $n = shift @a; $r = syscall($n, @a); print "${name}=", ($r == -1 ? $!+0 : 0), "\n";`,
  )
  // $vector: one piece of memory, as struct iovec.
  const prelude = '$buffer = "\\0" x 256; $vector = pack("pQ", $buffer, 8);'
  const said = await attack(`cat >calls.pl <<'END'\n${prelude}\n${lines.join("\n")}\nEND\nperl calls.pl`)
  return Object.fromEntries(
    said
      .trim()
      .split("\n")
      .map((line) => line.split("="))
      .map(([name = "", errno]) => [name, Number(errno)]),
  )
}

/** The calls below are those of x86_64. */
const knowsNumbers = process.arch === "x64"
const EPERM = 1
const all = (calls: object, errno: number) =>
  Object.fromEntries(Object.keys(calls).map((name) => [name, errno]))

describe("reading what is not ours", () => {
  test("another session's files, the data directory, the host's files", async () => {
    const theirs = join(directory, neighbour.id, "workspace/mine")
    const paths = [
      theirs,
      join(hostFolder, "database"),
      directory,
      "/etc/shadow",
      "/root",
      "/var/lib",
      "/home",
    ]
    const said = await attack(
      `for p in ${paths.join(" ")}; do cat $p; done; cat /proc/1/root${theirs}; cat ../../*/workspace/mine
       cat /proc/self/cwd/../../${neighbour.id}/workspace/mine; ls /sys; ls -d /boot /root /srv /mnt /media`,
    )
    expect(said.match(/No such file or directory|Is a directory/g)?.length).toBeGreaterThanOrEqual(14)
  })

  test("anything readable anywhere", async () => {
    const said = await attack(
      `grep -rlsF "${secret}" / --exclude-dir=proc --exclude-dir=usr --exclude-dir=opt; find / -xdev -writable -not -path '/proc/*' -type d 2>/dev/null | sort | tr '\\n' ' '`,
    )
    expect(said).not.toContain("/workspace/mine")
    expect(said.trim().split(" ")).toEqual(expect.arrayContaining(["/home/agent", "/tmp", "/workspace"]))
  })

  test("the host's processes, their memory and environment", async () => {
    const pids = [process.pid, hostProcess.pid, 1]
    const said = await attack(
      `ls /proc | grep -c '^[0-9]'; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; env
       for p in ${pids.slice(0, 2).join(" ")}; do cat /proc/$p/environ /proc/$p/cmdline; dd if=/proc/$p/mem bs=1 count=1; kill -9 $p; done
       ls -l /proc/[0-9]*/fd; cat /proc/1/cmdline`,
    )
    expect(Number(said.split("\n", 1)[0])).toBeLessThan(10)
    expect(said).not.toMatch(/VITEST|BERTH_DRILL/)
    expect(said).not.toContain(directory)
  })

  test("memory of the host, by pid and by its devices", async () => {
    if (!knowsNumbers) return
    const target = String(hostProcess.pid)
    const calls = {
      ptrace_attach: `101, 16, ${target}, 0, 0`,
      process_vm_readv: `310, ${target}, $vector, 1, $vector, 1, 0`,
      process_vm_writev: `311, ${target}, $vector, 1, $vector, 1, 0`,
      pidfd_open: `434, ${target}, 0`,
      kill: `62, ${target}, 9`,
    }
    expect(await callAll(calls)).toEqual(all(calls, 3))
    const said = await attack(
      "cat /dev/mem /dev/kmsg /proc/kcore /proc/kmsg /dev/sda /dev/vda; dmesg; ls /dev",
    )
    expect(said).not.toMatch(/kmsg\n|mem\n|[sv]da\n/)
    expect(await attack("cat /proc/keys /proc/kallsyms 2>/dev/null | grep -v '^0* '")).toBe("")
  })
})

describe("reaching out", () => {
  test("loopback, the host's addresses, the world, name servers", async () => {
    const addresses = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ family }) => family === "IPv4")
      .map(({ address }) => address)
    const dial = ["127.0.0.1", "0.0.0.0", ...addresses].map((address) => `${address} ${port}`)
    const said = await attack(
      `cat >dial.js <<'END'
const net = require("net")
const dial = (host, port) => new Promise((done) => {
  const socket = net.connect({ host, port, timeout: 1500 }, () => done("OPEN " + host))
  socket.on("error", (error) => done(error.code)); socket.on("timeout", () => done("TIMEOUT"))
})
Promise.all([${[...dial, "1.1.1.1 443", "169.254.169.254 80", "::1 80"].map((to) => `dial("${to.replace(" ", '",')})`).join(",")},
  require("dns").promises.lookup("example.com").then(() => "OPEN dns", (error) => error.code)]).then((all) => { console.log(all.join(" ")); process.exit() })
END
node dial.js; cat /proc/net/dev | tail -n +3 | cut -d: -f1`,
    )
    expect(said).not.toMatch(/OPEN|TIMEOUT/)
    expect(said.trim().split("\n").at(-1)?.trim()).toBe("lo")
  })

  test("the host's abstract sockets", async () => {
    const said = await attack(
      `node -e 'require("net").connect("\\0berth-drill-${process.pid}").on("error", (e) => console.log(e.code)).on("data", (d) => console.log(String(d)))'`,
    )
    expect(said.trim()).toBe("ECONNREFUSED")
  })

  test("raw and strange sockets", async () => {
    if (!knowsNumbers) return
    expect(
      await callAll({
        packet: "41, 17, 3, 0",
        raw: "41, 2, 3, 1",
        raw6: "41, 10, 3, 58",
        vsock: "41, 40, 1, 0",
        crypto: "41, 38, 5, 0",
        bluetooth: "41, 31, 3, 1",
        netfilter: "41, 16, 3, 12",
        kernelEvents: "41, 16, 3, 15",
        unix: "41, 1, 1, 0",
        tcp: "41, 2, 1, 0",
        route: "41, 16, 3, 0",
      }),
    ).toEqual({
      packet: 97,
      raw: EPERM,
      raw6: EPERM,
      vsock: 97,
      crypto: 97,
      bluetooth: 97,
      netfilter: 93,
      kernelEvents: 93,
      unix: 0,
      tcp: 0,
      route: 0,
    })
    expect(
      await attack("ip link add d type dummy; ip addr add 10.0.0.1/8 dev lo; ip link set lo down"),
    ).toMatch(/Operation not permitted|not found/)
  })
})

describe("gaining rights", () => {
  test("namespaces, mounts, devices, roots, the kernel itself", async () => {
    if (!knowsNumbers) return
    const calls = {
      unshare_user: "272, 0x10000000",
      unshare_mount: "272, 0x20000",
      clone_user: "56, 0x10000011, 0, 0, 0, 0",
      setns: "308, 0, 0",
      mount: '165, "none", "/tmp", "tmpfs", 0, 0',
      umount: '166, "/usr", 2',
      remount: '165, "none", "/usr", "none", 0x20, 0',
      pivot: '155, "/tmp", "/tmp"',
      chroot: '161, "/tmp"',
      fsopen: '430, "tmpfs", 0',
      open_tree: '428, -100, "/usr", 1',
      mount_setattr: '442, -100, "/usr", 0, $buffer, 32',
      mknod: '133, "/tmp/disk", 0060600, 0xfe00',
      bpf: "321, 0, $buffer, 64",
      perf: "298, $buffer, 0, -1, -1, 0",
      userfaultfd: "323, 0",
      io_uring: "425, 8, $buffer",
      keyctl: "250, 0, -3, 0",
      add_key: '248, "user", "k", "v", 1, -3',
      request_key: '249, "user", "k", 0, -3',
      open_by_handle: "304, -100, $buffer, 0",
      init_module: '175, $buffer, 1, ""',
      kexec: "246, 0, 0, 0, 0",
      reboot: "169, 0xfee1dead, 672274793, 0x1234567, 0",
      swapon: '167, "/tmp/swap", 0',
      sethostname: '170, "x", 1',
      settime: "227, 0, $buffer",
      syslog: "103, 3, $buffer, 100",
      quotactl: "179, 0, 0, 0, 0",
      setuid: "105, 0",
      setgroups: "116, 0, $buffer",
    }
    expect(await callAll(calls)).toEqual({ ...all(calls, EPERM), setuid: 22, setgroups: EPERM })
    const unknown = { clone3: "435, $buffer, 64", newer: "4095", x32: "0x40000000 + 39" }
    expect(await callAll(unknown)).toEqual(all(unknown, 38))
  })

  test("by the system's own tools", async () => {
    const said = await attack(
      `unshare -r id; unshare -Urm true; mount -t tmpfs x /tmp; nsenter -t 1 -m true; timeout 0.2 su -c id; passwd -S; mknod b b 7 0; chown 0 .
       bwrap --ro-bind / / --unshare-user true; setpriv --reuid 0 id; sudo -n id`,
    )
    expect(said).not.toMatch(/uid=0/)
  })

  test("setuid files, ours and the system's", async () => {
    await attack("cp /usr/bin/id ./rootid; chmod 6755 rootid; cp /usr/bin/id ~/id; chmod u+s ~/id")
    expect(await attack("./rootid -u; ~/id -u")).toBe("1000\n1000\n")
    const { uid, gid } = statSync(join(directory, attacker.id, "workspace/rootid"))
    expect([uid, gid]).not.toContain(0)
    expect(
      await attack(
        "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\n\\t'",
      ),
    ).toBe(
      "CapInh:0000000000000000CapPrm:0000000000000000CapEff:0000000000000000CapBnd:0000000000000000CapAmb:0000000000000000NoNewPrivs:1Seccomp:2",
    )
  })

  test("typing into a terminal", async () => {
    if (!knowsNumbers) return
    const ioctl = (command: string): string => `16, 0, ${command}, "x"`
    const calls = { TIOCSTI: ioctl("0x5412"), TIOCLINUX: ioctl("0x541c"), hidden: ioctl("0x100005412") }
    expect(await callAll(calls)).toEqual(all(calls, EPERM))
    expect(await attack("tty; echo x >/dev/tty; echo x >/dev/console; ls /dev/pts")).not.toMatch(
      /\/dev\/pts\/\d/,
    )
  })

  test("writing to the system, its settings and our own bounds", async () => {
    const targets = [
      "/usr/x",
      "/etc/passwd",
      "/etc/x",
      "/x",
      "/dev/x",
      "/bin/x",
      "/opt/berth/node/bin/x",
      "/run/x",
      "/var/x",
    ]
    const settings = [
      "kernel/core_pattern",
      "kernel/hostname",
      "vm/overcommit_memory",
      "user/max_user_namespaces",
      "net/ipv4/ip_forward",
    ]
    const said = await attack(
      `for f in ${targets.join(" ")} ${settings.map((name) => `/proc/sys/${name}`).join(" ")} /proc/sysrq-trigger; do (echo 1 >$f) 2>&1; done
       (echo -1000 >/proc/self/oom_score_adj) 2>&1; ulimit -n 100000000 2>&1; ulimit -f unlimited 2>&1; ls /sys 2>&1; renice -n -5 $$ 2>&1`,
    )
    expect(
      said.split("\n").filter((line) => /Read-only|denied|cannot|error|not permitted|No such/.test(line))
        .length,
    ).toBeGreaterThanOrEqual(19)
    expect(readFileSync("/proc/sys/user/max_user_namespaces", "utf8")).not.toBe("1\n")
  })

  test("signals to everyone", async () => {
    const script = `kill -9 ${hostProcess.pid} ${process.pid}; kill -STOP 1; kill -9 1; echo alive; kill -9 -1`
    expect(await attack(script)).toMatch(/^alive\n/)
  })
})

describe("using everything up", () => {
  async function within(ms: number, work: () => Promise<unknown>): Promise<void> {
    const from = performance.now()
    await work()
    expect(performance.now() - from).toBeLessThan(ms)
  }

  test("a fork bomb", async () => {
    const bomb = await attacker.spawn(["/bin/sh", "-c", "b() { b | b & }; b; while :; do :; done"])
    await within(8_000, () => runScript(neighbour, "node -e 0"))
    await within(8_000, () => bomb.kill())
    expect((await provider.list()).find(({ id }) => id === attacker.id)?.isAlive).toBe(false)
  })

  test("a fork bomb of orphans that ignore signals, ended from outside", async () => {
    const script = `trap '' TERM INT HUP; perl -e '$SIG{TERM}="IGNORE"; while(1){ my $p = fork(); if (defined $p && $p==0) { setpgrp; } }'`
    await attacker.spawn(["/bin/sh", "-c", script])
    await within(8_000, () => runScript(neighbour, "node -e 0"))
    await within(8_000, () => provider.destroy(attacker.id))
    expect((await provider.list()).map(({ id }) => id)).toEqual([neighbour.id])
  })

  test("memory: by one, by many, in /dev/shm", async () => {
    const hog = "perl -e '$x = \"x\" x 400e6; sleep 9'"
    expect((await runScript(attacker, `exec ${hog}`)).exit.reason).toBe("memory")
    const many = `for i in 1 2 3 4 5 6; do perl -e '$x = "x" x 60e6; sleep 1' & done; wait; echo survived`
    await runScript(attacker, many)
    await runScript(
      attacker,
      "head -c 400000000 /dev/zero >/dev/shm/x; head -c 400000000 /dev/zero >/run/x; ls -l /dev/shm",
    )
    expect((await runScript(attacker, "cat /dev/shm/x | wc -c")).stdout.trim()).toBe("0")
  })

  const fillers = {
    "one large file": "head -c 200000000 /dev/zero >f; sleep 60",
    "many files": "for i in 1 2 3 4 5 6 7 8 9; do head -c 9000000 /dev/zero >f$i; done; sleep 60",
    "/tmp and home": "head -c 30000000 /dev/zero >/tmp/f; head -c 30000000 /dev/zero >~/f; sleep 60",
    "allocated, not written": "fallocate -l 40000000 a; fallocate -l 40000000 b; sleep 60",
    "open and deleted": `perl -e 'for (1..4) { open($f[$_], ">", "/tmp/d"); unlink "/tmp/d"; print {$f[$_]} "x" x 20e6; $f[$_]->flush } sleep 60'`,
    "small files": `perl -e 'for (1..12000) { open(F, ">", "s$_") or last; close F } sleep 60'`,
    "folders in folders": `perl -e 'while (mkdir "d") { chdir "d" or last } sleep 60'`,
  }
  test.each(Object.entries(fillers))("disk: %s", async (_, script) => {
    const filler = await attacker.spawn(["/bin/sh", "-c", script])
    expect((await filler.exited).reason).toBe("disk")
    expect(await attacker.exceeded).toBe("disk")
  })

  test("a sparse file is bounded and costs nothing", async () => {
    expect(await attack("truncate -s 40M s && echo ok; truncate -s 1T t 2>&1 || echo refused")).toMatch(
      /^ok\n[^]*refused/,
    )
    expect((await runScript(attacker, "echo fine")).stdout).toBe("fine\n")
  })

  test("output without end, held back and cut off", async () => {
    const printer = await attacker.spawn(["/bin/sh", "-c", "yes"])
    const before = process.memoryUsage().rss
    await runScript(neighbour, "node -e 0")
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6)
    await within(8_000, () => printer.kill())
  })
})

describe("changing files under our feet", () => {
  /** While `script` runs inside, does `work` many times. */
  async function meanwhile(script: string, work: () => Promise<void>, rounds = 400): Promise<void> {
    await attacker.files.write("workspace", "swap.js", streamOf(`const fs = require("fs");\n${script}`))
    const swapper = await attacker.spawn(["node", "swap.js"])
    expect(await firstLine(swapper.stdout)).toBe("up")
    for (let round = 0; round < rounds; round += 1) await work()
    await swapper.kill()
  }
  const refusals = new Set(["bad_params", "not_found", "busy"])
  const orRefused = <Value>(work: Promise<Value>): Promise<Value | null> =>
    work.catch((error: unknown) => {
      if (error instanceof Error && "code" in error && refusals.has(String(error.code))) return null
      throw error
    })

  test("a folder that is a symlink every other moment", async () => {
    mkdirSync(join(hostFolder, "target"), { recursive: true })
    writeFileSync(join(hostFolder, "target/f"), secret)
    const flip = `
fs.mkdirSync("real"); fs.writeFileSync("real/f", "inside"); fs.symlinkSync(${JSON.stringify(join(hostFolder, "target"))}, "link")
console.log("up")
for (;;) { try { fs.renameSync("real", "d"); fs.renameSync("d", "real"); fs.renameSync("link", "d"); fs.renameSync("d", "link") } catch { try { fs.rmSync("d", { recursive: true, force: true }) } catch {} } }`
    const seen = new Set<string | null>()
    const walked = new Set<string>()
    let turn = 0
    await meanwhile(
      flip,
      async () => {
        turn += 1
        seen.add(await orRefused(readText(attacker, "d/f")))
        if (turn % 4 === 0) await orRefused(attacker.files.write("workspace", "d/new", streamOf("x")))
        if (turn % 4 === 1) await orRefused(attacker.files.makeDirectory("workspace", "d/made/deep"))
        if (turn % 4 === 2) await orRefused(attacker.files.remove("workspace", "d/f2"))
        if (turn % 40 === 3) for (const { path } of await walkAll(attacker)) walked.add(path)
      },
      3_000,
    )
    expect([...seen].every((text) => text === null || text === "inside")).toBe(true)
    expect(seen).toContain("inside")
    expect([...walked].filter((path) => path.includes("target"))).toEqual([])
    expect(readdirSync(join(hostFolder, "target"))).toEqual(["f"])
    expect(readFileSync(join(hostFolder, "target/f"), "utf8")).toBe(secret)
  })

  test("a file that is a symlink, a pipe, a socket, a folder", async () => {
    const flip = `
const { execFileSync } = require("child_process"); const net = require("net")
fs.writeFileSync("a", "inside"); fs.symlinkSync(${JSON.stringify(join(hostFolder, "database"))}, "b"); execFileSync("mkfifo", ["c"]); fs.mkdirSync("e")
net.createServer().listen("s", () => { console.log("up")
for (;;) for (const n of ["a", "b", "c", "s", "e"]) { try { fs.renameSync(n, "f"); fs.renameSync("f", n) } catch {} } })`
    const seen = new Set<string | null>()
    let turn = 0
    await meanwhile(
      flip,
      async () => {
        turn += 1
        seen.add(await orRefused(readText(attacker, "f")))
        await orRefused(attacker.files.stat("workspace", "f"))
        if (turn % 10 === 0) await orRefused(attacker.files.remove("workspace", "f"))
      },
      1_500,
    )
    expect([...seen].every((text) => text === null || text === "inside")).toBe(true)
  })

  test("a tree that grows while it is walked, measured and removed", async () => {
    const grow = `console.log("up"); for (let i = 0; ; i++) { try { fs.mkdirSync("g/" + (i % 50) + "/x/y", { recursive: true }); fs.writeFileSync("g/" + (i % 50) + "/f", "x") } catch {} }`
    await meanwhile(
      grow,
      async () => {
        await walkAll(attacker)
        await orRefused(attacker.files.remove("workspace", "g"))
      },
      15,
    )
    expect(await orRefused(attacker.files.remove("workspace", "g"))).not.toBeNull()
  })

  test("a lease that would hold up whoever opens the file", async () => {
    const hold =
      'touch leased; perl -e \'open(F, "+<", "leased"); fcntl(F, 1024, 1) or die $!; $SIG{IO} = "IGNORE"; $| = 1; print "up\\n"; sleep 60\''
    const holder = await attacker.spawn(["/bin/sh", "-c", hold])
    expect(await firstLine(holder.stdout)).toBe("up")
    const from = performance.now()
    await orRefused(attacker.files.read("workspace", "leased"))
    await attacker.files.write("workspace", "leased", streamOf("mine"))
    expect(performance.now() - from).toBeLessThan(1_000)
    await holder.kill()
  })
})
