import { AppError, type SandboxSpec } from "@berth/core"
import { insidePaths } from "../inside-paths.ts"

/** A port of the sandbox's loopback and the socket, in the folder of sockets, that it leads to. */
export type Forward = NonNullable<SandboxSpec["sockets"]>["forwards"][number]

const socketName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
/** How often the ports are looked for before giving up: more than a second of looking. */
const looks = 20_000
/** A relay lingers this long, in seconds, when one side has ended its half of a connection. */
const halfOpenSeconds = 3_600

/** `bad_params` for what cannot be a forward. */
export function checkForwards(forwards: readonly Forward[]): void {
  for (const { port, socket } of forwards) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535 || !socketName.test(socket)) {
      throw new AppError("bad_params", "A forward needs a port and the name of a socket.", {
        details: { port, socket },
      })
    }
  }
}

/** Lines of shell that start a relay per forward and go on when the kernel lists its port as listening. */
export function relayScript(forwards: readonly Forward[]): readonly string[] {
  if (forwards.length === 0) return []
  return [
    "listens() {",
    "  while read -r _ address _ state _; do",
    '    case "$address $state" in "$1 0A") return 0 ;; esac',
    "  done </proc/net/tcp",
    "  return 1",
    "}",
    ...forwards.map(startRelay),
    "looks=0",
    ...forwards.flatMap(awaitRelay),
  ]
}

function startRelay({ port, socket }: Forward): string {
  const listen = `TCP4-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=128`
  const connect = `UNIX-CONNECT:${insidePaths.sockets}/${socket}`
  return `socat -t ${halfOpenSeconds} ${listen} ${connect} </dev/null >/dev/null 2>&1 &`
}

function awaitRelay({ port }: Forward): readonly string[] {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`
  return [
    `until listens ${address}; do`,
    "  looks=$((looks + 1))",
    `  if [ $looks -gt ${looks} ]; then echo "the relay on port ${port} did not start" >&2; exit 125; fi`,
    "done",
  ]
}
