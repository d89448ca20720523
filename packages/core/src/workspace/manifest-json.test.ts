import type { BlobHash } from "@berth/protocol"
import { expect, test } from "vitest"
import { isAppError } from "../errors/app-error.ts"
import { diffManifests } from "./diff-manifests.ts"
import { decodeManifest, encodeManifest } from "./manifest-json.ts"
import type { ManifestEntry } from "./manifest.ts"
import { staysInside } from "./link-target.ts"

const hash = (digit: string): BlobHash => digit.repeat(64) as BlobHash

function file(path: string, digit: string, mode = 0o644): ManifestEntry {
  return { root: "workspace", path, mode, kind: "file", hash: hash(digit), size: 1 }
}

test("equal trees have equal bytes, whatever the order they were found in", () => {
  const folder: ManifestEntry = { kind: "directory", mode: 0o755, path: "a", root: "workspace" }
  const link: ManifestEntry = { target: "b", kind: "symlink", mode: 0o777, path: "z", root: "home" }
  const entries = [file("a/b", "1"), folder, link]
  expect(encodeManifest(entries)).toEqual(encodeManifest(entries.toReversed()))
  const decoded = decodeManifest(encodeManifest(entries))
  expect(decoded.entries.map((entry) => `${entry.root}/${entry.path}`)).toEqual([
    "home/z",
    "workspace/a",
    "workspace/a/b",
  ])
})

test.each([
  "nonsense",
  "null",
  '{"version":2,"entries":[]}',
  '{"version":1}',
  '{"version":1,"entries":[null]}',
  '{"version":1,"entries":[{"root":"etc","path":"a","mode":1,"kind":"directory"}]}',
  '{"version":1,"entries":[{"root":"home","path":"../a","mode":1,"kind":"directory"}]}',
  '{"version":1,"entries":[{"root":"home","path":"/a","mode":1,"kind":"directory"}]}',
  '{"version":1,"entries":[{"root":"home","path":"a","mode":2048,"kind":"directory"}]}',
  '{"version":1,"entries":[{"root":"home","path":"a","mode":1,"kind":"file","hash":"x","size":1}]}',
  '{"version":1,"entries":[{"root":"home","path":"a","mode":1,"kind":"socket"}]}',
])("refuses %s", (text) => {
  let thrown: unknown
  try {
    decodeManifest(new TextEncoder().encode(text))
  } catch (error) {
    thrown = error
  }
  expect(isAppError(thrown, "bad_params")).toBe(true)
})

test("a difference names what was added, changed and removed", () => {
  const before = decodeManifest(
    encodeManifest([file("a", "1"), file("b", "1"), file("c", "1"), file("m", "1")]),
  )
  const after = decodeManifest(
    encodeManifest([file("b", "2"), file("c", "1"), file("d", "1"), file("m", "1", 0o755)]),
  )
  const difference = diffManifests(before, after)
  expect(difference.added.map((entry) => entry.path)).toEqual(["d"])
  expect(difference.removed.map((entry) => entry.path)).toEqual(["a"])
  expect(difference.changed.map(({ after: { path } }) => path)).toEqual(["b", "m"])
  expect(diffManifests(after, after)).toEqual({ added: [], changed: [], removed: [] })
})

test.each([
  ["a/b", "c", true],
  ["a/b", "../c", true],
  ["a/b", "../../c", false],
  ["a", "..", false],
  ["a", "", false],
  ["a", "b/../../x/../a", false],
  ["a", "/usr/bin/python3", true],
  ["a", "/workspace/x", true],
  ["a", "/etc/passwd", false],
  ["a", "/usr/../etc/passwd", false],
  ["a", "/usrlocal", false],
])("a link at %s to %s may stay: %s", (path, target, expected) => {
  expect(staysInside({ root: "workspace", path }, target)).toBe(expected)
})
