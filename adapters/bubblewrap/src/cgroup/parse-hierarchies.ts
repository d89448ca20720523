import { join, posix } from "node:path"

export const controllerNames = ["memory", "pids", "cpu"] as const
export type ControllerName = (typeof controllerNames)[number]

/** Where this process is in the host's control groups, as folders of the file system. */
export interface Hierarchies {
  /** Version 1: one folder per controller that is mounted. */
  readonly v1: Readonly<Partial<Record<ControllerName, string>>>
  /** Version 2: the one folder, and where the hierarchy is mounted. */
  readonly v2: { readonly own: string; readonly mount: string } | null
}

/**
 * From the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`. In a container the mount shows only a
 * part of the hierarchy; a group outside of that part is taken for the mount's root.
 */
export function parseHierarchies(mountinfo: string, membership: string): Hierarchies {
  const groups = membership.split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    return controllers === undefined || path === undefined
      ? []
      : [{ controllers: controllers.split(","), path }]
  })
  const v1: Partial<Record<ControllerName, string>> = {}
  let v2: Hierarchies["v2"] = null
  for (const mount of parseMounts(mountinfo)) {
    if (mount.type === "cgroup2") {
      const group = groups.find(({ controllers }) => controllers[0] === "")
      v2 ??= { own: folderOf(mount, group?.path ?? "/"), mount: mount.point }
    } else if (mount.type === "cgroup") {
      for (const name of controllerNames) {
        if (!mount.options.includes(name)) continue
        const group = groups.find(({ controllers }) => controllers.includes(name))
        v1[name] ??= folderOf(mount, group?.path ?? "/")
      }
    }
  }
  return { v1, v2 }
}

interface Mount {
  readonly root: string
  readonly point: string
  readonly type: string
  readonly options: readonly string[]
}

/** Fields as in proc_pid_mountinfo(5); octal escapes stand for blanks. */
function parseMounts(mountinfo: string): readonly Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before, after] = line.split(" - ")
    const [, , , root, point] = before?.split(" ") ?? []
    const [type, , options] = after?.split(" ") ?? []
    if (root === undefined || point === undefined || type === undefined) return []
    return [{ root: unescape(root), point: unescape(point), type, options: options?.split(",") ?? [] }]
  })
}

function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}

function folderOf(mount: Mount, path: string): string {
  const inside = posix.relative(mount.root, path)
  return inside.startsWith("..") ? mount.point : join(mount.point, inside)
}
