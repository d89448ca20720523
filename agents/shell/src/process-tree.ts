import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

interface ProcessRow {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
  /** With the pid, what tells a process from a later one that got its number. */
  readonly startedAt: string
  readonly isStopped: boolean
}

const termGraceMs = 300
/** A scan a round; each leaves a fork bomb less room. */
const stopRounds = 200

/**
 * Ends all that a script started: its process group, its session, and descendants that left both.
 * SIGTERM first; SIGKILL to what is there after 300 ms, once it is stopped: a fork bomb outruns whoever
 * only kills, but what is stopped forks no more and keeps its place. Resolves when nothing is left.
 */
export async function endTree(leader: number): Promise<void> {
  // Kept from before the first signal: when a parent dies, its children no longer lead back to us.
  const known = new Map<number, ProcessRow>()
  if (signalTree(leader, known, "SIGTERM") === 0) return
  const deadline = performance.now() + termGraceMs
  while (performance.now() < deadline) {
    await sleep(10)
    if (livingTree(leader, known).length === 0) return
  }
  for (let round = 0; round < stopRounds && stopTree(leader, known) > 0; round += 1) await sleep(1)
  while (signalTree(leader, known, "SIGKILL") > 0) await sleep(5)
}

/** Stops what still runs; answers how much that was. */
function stopTree(leader: number, known: Map<number, ProcessRow>): number {
  const running = livingTree(leader, known).filter((row) => !row.isStopped)
  for (const row of running) {
    known.set(row.pid, row)
    send(row.pid, "SIGSTOP")
  }
  return running.length
}

/** Whether anything that a script started is alive. */
export function isTreeAlive(leader: number): boolean {
  return livingTree(leader, new Map()).length > 0
}

function signalTree(leader: number, known: Map<number, ProcessRow>, signal: "SIGTERM" | "SIGKILL"): number {
  const rows = livingTree(leader, known)
  for (const row of rows) {
    known.set(row.pid, row)
    send(row.pid, signal)
  }
  return rows.length
}

function livingTree(leader: number, known: ReadonlyMap<number, ProcessRow>): ProcessRow[] {
  const rows = readProcesses()
  const members = new Set<number>()
  for (const row of rows) {
    const isKnown = known.get(row.pid)?.startedAt === row.startedAt
    if (row.pid === leader || row.group === leader || row.session === leader || isKnown) members.add(row.pid)
  }
  for (let grew = true; grew;) {
    grew = false
    for (const row of rows) {
      if (members.has(row.pid) || !members.has(row.parent)) continue
      members.add(row.pid)
      grew = true
    }
  }
  return rows.filter((row) => members.has(row.pid))
}

/** All processes but zombies, which are dead and only wait to be collected. */
function readProcesses(): ProcessRow[] {
  const rows: ProcessRow[] = []
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const row = readProcess(Number(name))
    if (row !== null) rows.push(row)
  }
  return rows
}

function readProcess(pid: number): ProcessRow | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1")
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
  // proc(5): the name may hold spaces and parentheses; fields are counted after its last one.
  const [state, parent, group, session, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  if (state === "Z" || state === "X") return null
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startedAt: rest[15] ?? "",
    isStopped: state === "T",
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "ENOENT")
}
