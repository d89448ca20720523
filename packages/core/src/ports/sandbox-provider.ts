import type { IsolationReport, LogId } from "@berth/protocol"

export interface SandboxLabels {
  readonly logId: LogId
  readonly generation: number
}

export interface SandboxSpec {
  readonly labels: SandboxLabels
  readonly limits: {
    readonly memoryMib: number
    readonly cpu: number
    readonly pids: number
    readonly diskMib: number
  }
  /** Host folders shown read-only inside: programs of agents. Trusted; never of a user's choosing. */
  readonly programs?: readonly { readonly source: string; readonly target: string }[]
  /**
   * Host folder of Unix sockets, shown read-only at `/run/berth`. Inside, each forward
   * listens on the sandbox's own loopback and leads to its socket; there is no other way out.
   */
  readonly sockets?: {
    readonly directory: string
    readonly forwards: readonly { readonly port: number; readonly socket: string }[]
  }
}

export interface SandboxInfo {
  readonly id: string
  readonly labels: SandboxLabels
  /** Whether any process of it is alive. */
  readonly isAlive: boolean
  readonly createdAt: string
}

export interface SpawnOptions {
  /** The whole environment; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>
  /** Absolute path inside; default `/workspace`. */
  readonly cwd?: string
  readonly signal?: AbortSignal
  /** Dies with the process that spawned it. For plain runs. */
  readonly dieWithParent?: boolean
}

export interface ProcessExit {
  /** Null when ended by a signal. */
  readonly code: number | null
  readonly signal: string | null
  /** Why, when it was our doing or a limit's. */
  readonly reason: "exited" | "killed" | "memory" | "disk" | "aborted"
}

export interface SandboxProcess {
  readonly stdin: WritableStream<Uint8Array>
  readonly stdout: ReadableStream<Uint8Array>
  readonly stderr: ReadableStream<Uint8Array>
  readonly exited: Promise<ProcessExit>
  /** Ends the whole process tree of this spawn. Resolves when nothing of it is left. Idempotent. */
  kill(): Promise<void>
}

export interface FileInfo {
  /** Relative to the root asked for, with `/`. */
  readonly path: string
  readonly kind: "file" | "directory" | "symlink" | "other"
  readonly size: number
  /** Permission bits. */
  readonly mode: number
  readonly target?: string
  /** Changes whenever content or attributes may have (ctime and inode); for incremental walks. */
  readonly stamp: string
}

/**
 * Files of a sandbox, from outside. No path a sandbox can write is ever followed: component by
 * component, no symlinks, regular files only, never blocking. `bad_params` for a path that is
 * absolute, holds `..` or NUL, or leads through a symlink. `root` is the workspace or the home.
 */
export interface SandboxFiles {
  walk(root: FileRoot): AsyncIterable<FileInfo>
  stat(root: FileRoot, path: string): Promise<FileInfo | null>
  /** Null when absent; `bad_params` when it is no regular file. */
  read(
    root: FileRoot,
    path: string,
  ): Promise<{ readonly info: FileInfo; readonly content: ReadableStream<Uint8Array> } | null>
  /** Atomic replace; makes parent folders; owned by the sandbox's user. */
  write(
    root: FileRoot,
    path: string,
    content: ReadableStream<Uint8Array>,
    options?: { readonly mode?: number },
  ): Promise<{ readonly size: number }>
  link(root: FileRoot, path: string, target: string): Promise<void>
  makeDirectory(root: FileRoot, path: string, options?: { readonly mode?: number }): Promise<void>
  /** A folder with all in it. False when absent. */
  remove(root: FileRoot, path: string): Promise<boolean>
}
export type FileRoot = "workspace" | "home"

export interface Sandbox {
  readonly id: string
  readonly isolation: IsolationReport
  readonly files: SandboxFiles
  spawn(argv: readonly string[], options?: SpawnOptions): Promise<SandboxProcess>
  /** Ends every process in it; files stay. */
  stop(): Promise<void>
  /** Resolves with the reason when a limit ends the sandbox as a whole (disk). Never rejects. */
  readonly exceeded: Promise<"disk">
}

export interface SandboxCapabilities {
  readonly pause: boolean
  readonly snapshot: boolean
  readonly networkPolicies: boolean
  readonly supervisor: "host" | "inside"
}

export interface SandboxProvider {
  readonly capabilities: SandboxCapabilities
  /** What a sandbox of this host would be; `unavailable` with the command to mend it when none can. */
  probe(): Promise<IsolationReport>
  /** Two calls with the same labels give two sandboxes; the caller owns each. */
  create(spec: SandboxSpec): Promise<Sandbox>
  /** Null when there is none. */
  attach(id: string): Promise<Sandbox | null>
  /** Ends all processes and removes all files, mounts and groups. Idempotent. */
  destroy(id: string): Promise<void>
  list(): Promise<readonly SandboxInfo[]>
}
