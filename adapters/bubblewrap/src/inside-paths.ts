/** Where things are inside a sandbox. */
export const insidePaths = {
  workspace: "/workspace",
  home: "/home/agent",
  temporary: "/tmp",
  /** The read-only folder of Unix sockets. */
  sockets: "/run/berth",
  /** The Node installation of the host's own Node, read-only. */
  node: "/opt/berth/node",
} as const

/** `PATH` of a sandboxed process that was given none. */
export const defaultSearchPath = `${insidePaths.node}/bin:/usr/local/bin:/usr/bin:/bin`

/** Who a sandboxed process believes to be, whatever its uid is on the host. */
export const insideUser = { name: "agent", uid: 1000, gid: 1000 } as const

export const insideHostName = "sandbox"
