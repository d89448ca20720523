import { expect } from "vitest"
import { refusal, type SuiteTests } from "./define-suite.ts"
import {
  collect,
  readText,
  runScript,
  specOf,
  streamOf,
  walkAll,
  type SandboxFixture,
} from "./sandbox-fixture.ts"

const badPaths = [
  "",
  ".",
  "/",
  "/etc/passwd",
  "..",
  "../x",
  "a/../../x",
  "a/..",
  "a\0b",
  `${"n".repeat(256)}`,
]

export const sandboxFileTests: SuiteTests<SandboxFixture> = {
  "what was written is read, by us and inside": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const { size } = await sandbox.files.write("workspace", "a/b/c.txt", streamOf("hel", "", "lo"))
    expect(size).toBe(5)
    const file = await sandbox.files.read("workspace", "a/b/c.txt")
    expect(file?.info).toMatchObject({ path: "a/b/c.txt", kind: "file", size: 5, mode: 0o644 })
    expect(file && new TextDecoder().decode(await collect(file.content))).toBe("hello")
    expect((await runScript(sandbox, "cat a/b/c.txt")).stdout).toBe("hello")
  },

  "what is written inside is read by us; home and workspace are two": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await runScript(sandbox, "echo w >f; echo h >~/f")
    expect([await readText(sandbox, "f"), await readText(sandbox, "f", "home")]).toEqual(["w\n", "h\n"])
  },

  "what we make belongs to the sandbox's user": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await sandbox.files.write("workspace", "d/f", streamOf("x"), { mode: 0o600 })
    await sandbox.files.makeDirectory("workspace", "e", { mode: 0o700 })
    await sandbox.files.link("workspace", "l", "d/f")
    const { stdout } = await runScript(
      sandbox,
      "echo y >>d/f && touch d/g e/h && chmod 640 d/f && rm l && rm -r e && ls",
    )
    expect(stdout).toBe("d\n")
    expect(await readText(sandbox, "d/f")).toBe("xy\n")
  },

  "a write replaces at once and keeps the mode": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await sandbox.files.write("workspace", "f", streamOf("old"), { mode: 0o755 })
    const old = await sandbox.files.read("workspace", "f")
    await sandbox.files.write("workspace", "f", streamOf("new"))
    expect(old && new TextDecoder().decode(await collect(old.content))).toBe("old")
    expect(await readText(sandbox, "f")).toBe("new")
    expect((await sandbox.files.stat("workspace", "f"))?.mode).toBe(0o755)
    await sandbox.files.write("workspace", "f", streamOf("x"), { mode: 0o4777 })
    expect((await runScript(sandbox, "stat -c %a f")).stdout).toBe("777\n")
  },

  "a write that fails on its way changes nothing and leaves nothing": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await sandbox.files.write("workspace", "f", streamOf("old"))
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("cut"))
      },
    })
    await expect(sandbox.files.write("workspace", "f", broken)).rejects.toThrow("cut")
    expect(await readText(sandbox, "f")).toBe("old")
    expect((await walkAll(sandbox)).map(({ path }) => path)).toEqual(["f"])
  },

  "a file larger than the whole disk is refused": async ({ provider }) => {
    const sandbox = await provider.create(specOf("one", { memoryMib: 64, cpu: 1, pids: 32, diskMib: 1 }))
    await refusal(sandbox.files.write("workspace", "f", streamOf(new Uint8Array(1_100_000))), "too_large")
    expect(await sandbox.files.stat("workspace", "f")).toBeNull()
  },

  "absent is null, or false": async ({ provider }) => {
    const { files } = await provider.create(specOf())
    expect(await files.stat("workspace", "no")).toBeNull()
    expect(await files.read("workspace", "no/no")).toBeNull()
    expect(await files.remove("workspace", "no")).toBe(false)
    expect(await files.remove("workspace", "no/no")).toBe(false)
  },

  "paths that lead elsewhere are refused": async ({ provider }) => {
    const { files } = await provider.create(specOf())
    for (const path of badPaths) {
      await refusal(files.stat("workspace", path), "bad_params")
      await refusal(files.read("workspace", path), "bad_params")
      await refusal(files.write("workspace", path, streamOf("x")), "bad_params")
      await refusal(files.makeDirectory("workspace", path), "bad_params")
      await refusal(files.link("workspace", path, "x"), "bad_params")
      await refusal(files.remove("workspace", path), "bad_params")
    }
  },

  "symlinks are named and never followed": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await runScript(sandbox, "ln -s /etc out; ln -s /etc/passwd file; ln -s . here; ln -s nowhere dangling")
    const { files } = sandbox
    expect(await files.stat("workspace", "out")).toMatchObject({ kind: "symlink", target: "/etc" })
    for (const path of ["file", "out", "dangling", "out/passwd", "here/x", "here/here/x"]) {
      await refusal(files.read("workspace", path), "bad_params")
    }
    await refusal(files.stat("workspace", "out/passwd"), "bad_params")
    await refusal(files.write("workspace", "out/x", streamOf("x")), "bad_params")
    await refusal(files.makeDirectory("workspace", "out/x"), "bad_params")
    await refusal(files.makeDirectory("workspace", "out"), "bad_params")
    await refusal(files.remove("workspace", "out/passwd"), "bad_params")
    // The link itself is replaced, and removed.
    await files.write("workspace", "dangling", streamOf("mine"))
    expect(await readText(sandbox, "dangling")).toBe("mine")
    expect(await files.remove("workspace", "out")).toBe(true)
    expect((await walkAll(sandbox)).map(({ path }) => path)).toEqual(["dangling", "file", "here"])
  },

  "what is no file is not read, and nobody waits for it": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await runScript(sandbox, "mkfifo pipe; mkdir folder")
    await refusal(sandbox.files.read("workspace", "pipe"), "bad_params")
    await refusal(sandbox.files.read("workspace", "folder"), "bad_params")
    expect((await sandbox.files.stat("workspace", "pipe"))?.kind).toBe("other")
    // A file is put in the place of a pipe, not into it.
    await sandbox.files.write("workspace", "pipe", streamOf("x"))
    expect(await readText(sandbox, "pipe")).toBe("x")
  },

  "files and folders do not take each other's place": async ({ provider }) => {
    const { files } = await provider.create(specOf())
    await files.write("workspace", "file", streamOf("x"))
    await files.makeDirectory("workspace", "folder/inner")
    await refusal(files.write("workspace", "folder", streamOf("x")), "bad_params")
    await refusal(files.write("workspace", "file/inner", streamOf("x")), "bad_params")
    await refusal(files.makeDirectory("workspace", "file"), "bad_params")
    expect(await files.read("workspace", "file/inner")).toBeNull()
    await files.makeDirectory("workspace", "folder/inner")
  },

  "a link leads to a place inside": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const { files } = sandbox
    await files.write("workspace", "a/target", streamOf("hit"))
    await files.link("workspace", "b/link", "../a/target")
    await files.link("workspace", "b/link", "../a/./target")
    expect((await runScript(sandbox, "cat b/link")).stdout).toBe("hit")
    expect(await files.stat("workspace", "b/link")).toMatchObject({
      kind: "symlink",
      target: "../a/./target",
    })
    for (const target of ["", "../..", "../../etc", "/etc/passwd", "/proc/self", "a/../../../x"]) {
      await refusal(files.link("workspace", "b/bad", target), "bad_params")
    }
  },

  "a walk names everything once, folders first": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await runScript(
      sandbox,
      "mkdir -p d/e empty; echo 12345 >d/e/f; chmod 751 d/e/f; ln -s e/f d/l; mkfifo p; touch 'na me' 'ünï'",
    )
    const order: string[] = []
    for await (const { path } of sandbox.files.walk("workspace")) order.push(path)
    expect(order.indexOf("d")).toBeLessThan(order.indexOf("d/e"))
    expect(order.indexOf("d/e")).toBeLessThan(order.indexOf("d/e/f"))
    expect((await walkAll(sandbox)).map(({ path, kind }) => [path, kind])).toEqual([
      ["d", "directory"],
      ["d/e", "directory"],
      ["d/e/f", "file"],
      ["d/l", "symlink"],
      ["empty", "directory"],
      ["na me", "file"],
      ["p", "other"],
      ["ünï", "file"],
    ])
    const found = await walkAll(sandbox)
    expect(found.find(({ path }) => path === "d/e/f")).toMatchObject({ size: 6, mode: 0o751 })
    expect(found.find(({ path }) => path === "d/l")).toMatchObject({ target: "e/f" })
  },

  "names that are no text are reported, not entered": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await runScript(sandbox, 'd=$(printf "d\\377"); mkdir "$d"; touch "$d/in" "$(printf "f\\376")" ok')
    const found = await walkAll(sandbox)
    expect(found.map(({ kind }) => kind).toSorted()).toEqual(["file", "other", "other"])
    expect(found.find(({ kind }) => kind === "file")?.path).toBe("ok")
  },

  "a stamp changes when anything of a file does": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    const stampAfter = async (script: string): Promise<string | undefined> => {
      await runScript(sandbox, script)
      return (await sandbox.files.stat("workspace", "f"))?.stamp
    }
    const scripts = [
      "echo a >f",
      "echo b >f",
      "chmod 600 f",
      "touch -d @0 f",
      "echo b >g; touch -r f g; mv g f",
    ]
    const stamps: (string | undefined)[] = []
    for (const script of scripts) stamps.push(await stampAfter(script))
    expect(new Set(stamps).size).toBe(scripts.length)
    expect(await stampAfter("cat f")).toBe(stamps.at(-1))
  },

  "remove takes a folder with all in it": async ({ provider }) => {
    const sandbox = await provider.create(specOf())
    await runScript(
      sandbox,
      "mkdir -p d/e/f; touch d/1 d/e/2 d/e/f/3; ln -s /etc d/out; chmod 500 d/e; touch stays",
    )
    expect(await sandbox.files.remove("workspace", "d")).toBe(true)
    expect((await walkAll(sandbox)).map(({ path }) => path)).toEqual(["stays"])
    await runScript(sandbox, "p=.; for i in $(seq 300); do mkdir n; cd n; done")
    expect(await sandbox.files.remove("workspace", "n")).toBe(true)
  },
}
