import { expect, test } from "vitest"
import { parseHierarchies } from "./parse-hierarchies.ts"

const mount = (root: string, point: string, type: string, options: string): string =>
  `36 32 0:29 ${root} ${point} rw,relatime shared:9 - ${type} ${type} ${options}`

test("version 1: a folder per controller, below our own group", () => {
  const mountinfo = [
    "22 27 0:21 / /proc rw,relatime - proc proc rw",
    mount("/", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
    mount("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
    mount("/", "/sys/fs/cgroup/unified", "cgroup2", "rw"),
  ].join("\n")
  const membership = "5:memory:/user/one\n4:cpu,cpuacct:/\n3:pids:/\n0::/init.scope\n"
  expect(parseHierarchies(mountinfo, membership)).toEqual({
    v1: { memory: "/sys/fs/cgroup/memory/user/one", cpu: "/sys/fs/cgroup/cpu,cpuacct" },
    v2: { own: "/sys/fs/cgroup/unified/init.scope", mount: "/sys/fs/cgroup/unified" },
  })
})

test("version 2", () => {
  const membership = "0::/system.slice/berth.service\n"
  expect(parseHierarchies(mount("/", "/sys/fs/cgroup", "cgroup2", "rw,nsdelegate"), membership)).toEqual({
    v1: {},
    v2: { own: "/sys/fs/cgroup/system.slice/berth.service", mount: "/sys/fs/cgroup" },
  })
})

test("in a container the mount shows a part of the hierarchy", () => {
  const inside = mount("/docker/abc", "/sys/fs/cgroup/memory", "cgroup", "ro,memory")
  expect(parseHierarchies(inside, "5:memory:/docker/abc/own").v1.memory).toBe("/sys/fs/cgroup/memory/own")
  expect(parseHierarchies(inside, "5:memory:/docker/abc").v1.memory).toBe("/sys/fs/cgroup/memory")
  expect(parseHierarchies(inside, "5:memory:/elsewhere").v1.memory).toBe("/sys/fs/cgroup/memory")
})

test("blanks in mount points, and no control groups at all", () => {
  expect(parseHierarchies(mount("/", "/a\\040b", "cgroup2", "rw"), "0::/c").v2?.own).toBe("/a b/c")
  expect(parseHierarchies("", "")).toEqual({ v1: {}, v2: null })
})
