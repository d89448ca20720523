// Runs inside of a sandbox and tries to get out. Writes what came of each attempt to results.json:
// `refused …` is how it has to be, `GOT …` is a hole. Its wishes come as JSON in wishes.json.
import { execFileSync, spawnSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { connect } from "node:net"

const wishes = JSON.parse(readFileSync("wishes.json", "utf8"))
const results = {}
// In pieces, so that what is found of them is not what we brought along.
const secrets = wishes.secrets.map((pieces) => pieces.join("-"))

function attempt(name, action) {
  try {
    const got = action()
    results[name] = got === undefined || got === false || got === "" ? "refused: nothing" : `GOT ${got}`
  } catch (error) {
    results[name] = `refused: ${error.code ?? error.message}`
  }
}

/** What of the secrets a text holds. */
const leaked = (text) => secrets.find((secret) => String(text).includes(secret))

// The host's files.
for (const path of wishes.paths) {
  attempt(`read ${path}`, () => readFileSync(path, "latin1").slice(0, 80) || "an empty file")
  attempt(`list ${path}`, () => readdirSync(path).join(" ") || "an empty folder")
  attempt(`read /proc/1/root${path}`, () => existsSync(`/proc/1/root${path}`) && "it is there")
}
attempt("read /etc/shadow", () => readFileSync("/etc/shadow", "latin1"))
attempt("foreign users in /etc/passwd", () => leaked(readFileSync("/etc/passwd", "latin1")))
attempt("a host path in the mount table", () => leaked(readFileSync("/proc/self/mountinfo", "latin1")))

// Processes: ours only, and no secret in any of them.
for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
  for (const file of ["environ", "cmdline", "maps"]) {
    attempt(`a secret in /proc/${pid}/${file}`, () => leaked(readFileSync(`/proc/${pid}/${file}`, "latin1")))
  }
  attempt(`/proc/${pid} is a host process`, () =>
    /server\.js|supervisor\.js|gateway\.js/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1")),
  )
}
for (const pid of wishes.pids) {
  attempt(
    `see host process ${pid}`,
    () =>
      /node/.test(readlinkSync(`/proc/${pid}/exe`)) && leaked(readFileSync(`/proc/${pid}/environ`, "latin1")),
  )
}
attempt("a secret in the environment", () => leaked(JSON.stringify(process.env)))
attempt("write /proc/1/mem", () => writeSync(openSync("/proc/1/mem", "r+"), "x", 4096))

// Writing to the system.
for (const folder of [
  "/usr",
  "/etc",
  "/opt",
  "/opt/berth",
  "/run",
  "/run/berth",
  "/",
  "/sys",
  "/proc/sys/kernel",
  "/dev",
  "/bin",
]) {
  attempt(`write to ${folder}`, () => (writeFileSync(`${folder}/hostile`, "x"), "it took it"))
}
attempt("replace a socket", () => (unlinkSync("/run/berth/gateway.sock"), "it is gone"))
attempt("move a socket", () => (renameSync("/run/berth/tools.sock", "/run/berth/gateway.sock"), "it moved"))
attempt(
  "link a socket away",
  () => (linkSync("/run/berth/gateway.sock", "/workspace/gateway.sock"), "it is linked"),
)
attempt("another session's sockets", () =>
  readdirSync("/run/berth")
    .filter((name) => !/^(gateway|tools)\.sock$/.test(name))
    .join(" "),
)
attempt(
  "change a kernel setting",
  () => (writeFileSync("/proc/sys/kernel/core_pattern", "|/tmp/x"), "it took it"),
)

// More privilege.
const command = (name, words, found) =>
  attempt(name, () => {
    const { status, stdout } = spawnSync(words[0], words.slice(1), { encoding: "utf8", timeout: 10_000 })
    return status === 0 && (found ?? (() => true))(stdout) && `status 0: ${stdout.slice(0, 80)}`
  })
command("a nested user namespace", ["unshare", "--user", "--map-root-user", "id"])
command("a mount", ["mount", "-t", "tmpfs", "tmpfs", "/tmp"])
command("another network namespace", ["nsenter", "--net=/proc/1/ns/net", "--target", "1", "true"])
command("a device", ["mknod", "/workspace/disk", "b", "254", "0"])
command("to be root", ["su", "-c", "id"])
for (const pid of wishes.pids) command(`to trace ${pid}`, ["strace", "-o", "/dev/null", "-p", String(pid)])
command("the kernel's log", ["dmesg"], (text) => text.trim() !== "")
attempt("a setuid file that works", () => {
  copyFileSync("/usr/bin/id", "/workspace/id")
  chmodSync("/workspace/id", 0o6755)
  return /uid=0|euid=0/.test(execFileSync("/workspace/id", { encoding: "utf8" })) && "root"
})
attempt(
  "capabilities",
  () => /^Cap(Prm|Eff|Bnd):\s*0*[1-9a-f]/m.exec(readFileSync("/proc/self/status", "utf8"))?.[0],
)
attempt("no seccomp", () => !/^Seccomp:\s*2/m.test(readFileSync("/proc/self/status", "utf8")) && "no filter")

// The network.
const tcp = (name, host, port) =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3_000 })
    const done = (result) => {
      results[name] = result
      socket.destroy()
      resolve()
    }
    socket.once("connect", () => done("GOT a connection"))
    socket.once("error", (error) => done(`refused: ${error.code}`))
    socket.once("timeout", () => done("refused: silence"))
  })
/** Sends bytes to the gateway and judges the first line of the answer. */
const proxy = (name, head) =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port: 3128, timeout: 8_000 })
    let text = ""
    const done = () => {
      const status = /^HTTP\/1\.\d (\d+)/.exec(text)?.[1]
      const isIn = status !== undefined && Number(status) < 400
      results[name] = isIn || leaked(text) ? `GOT ${text.slice(0, 80)}` : `refused: ${status ?? "silence"}`
      socket.destroy()
      resolve()
    }
    socket.on("connect", () => socket.write(head))
    socket.on("data", (chunk) => (text += chunk))
    for (const event of ["end", "error", "timeout"]) socket.once(event, done)
    socket.on("data", () => text.includes("\r\n\r\n") && done())
  })

for (const { host, port } of wishes.addresses) await tcp(`connect ${host}:${port}`, host, port)
await Promise.all(
  wishes.tunnels.flatMap((target) => [
    proxy(`CONNECT ${target}`, `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`),
    proxy(
      `GET http://${target}/`,
      `GET http://${target}/api/sessions HTTP/1.1\r\nhost: ${target}\r\nconnection: close\r\n\r\n`,
    ),
  ]),
)
for (const path of wishes.upstreamPaths) {
  await proxy(
    `upstream ${path}`,
    `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: mine\r\nconnection: close\r\n\r\n`,
  )
}
await proxy(
  "a smuggled request",
  "GET /anthropic/v1/models HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /anthropic/v1/organizations HTTP/1.1\r\nhost: a\r\n\r\n",
)
for (const path of wishes.sockets) await tcpUnix(path)

function tcpUnix(path) {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once("connect", () => {
      results[`socket ${path}`] = "GOT a connection"
      socket.destroy()
      resolve()
    })
    socket.once("error", (error) => {
      results[`socket ${path}`] = `refused: ${error.code}`
      resolve()
    })
  })
}

// Under the host's feet: what it will read when it takes a snapshot.
mkdirSync("traps", { recursive: true })
attempt("trap", () => symlinkSync("/etc/shadow", "traps/shadow"))
for (const [index, path] of wishes.paths.entries())
  attempt("trap", () => symlinkSync(path, `traps/link-${index}`))
attempt("trap", () => symlinkSync("../../../../../../../../etc", "traps/up"))
spawnSync("mkfifo", ["traps/fifo"])
writeFileSync("results.json", JSON.stringify(results))
