import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { PermissionPolicy } from "@berth/protocol"
import { judgePermission, optionFor } from "./permission-policy.ts"

const call = (fields: Record<string, unknown>, kinds: readonly string[] = ["allow_once", "reject_once"]) => ({
  toolCall: { toolCallId: "t", ...fields },
  options: kinds.map((kind) => ({ optionId: kind, name: kind, kind })),
})
const bash = (command: string) => call({ kind: "execute", title: `\`${command}\``, rawInput: { command } })

describe("judgePermission", () => {
  const cases: readonly [string, PermissionPolicy, ReturnType<typeof call>, string][] = [
    ["ask asks", "ask", bash("ls"), "ask"],
    ["auto allows", "auto", bash("rm -rf /"), "allow"],
    ["no rule asks", [], bash("ls"), "ask"],
    [
      "a rule for the kind",
      [{ tool: "read", action: "allow" }],
      call({ kind: "read", title: "Read a" }),
      "allow",
    ],
    [
      "a rule for the agent's own name",
      [{ tool: "Bash", action: "deny" }],
      call({ kind: "execute", _meta: { claudeCode: { toolName: "Bash" } } }),
      "deny",
    ],
    [
      "the first that fits",
      [
        { tool: "execute", pattern: "rm *", action: "deny" },
        { tool: "*", action: "allow" },
      ],
      bash("rm a"),
      "deny",
    ],
    [
      "the next where the first does not",
      [
        { tool: "execute", pattern: "rm *", action: "deny" },
        { tool: "*", action: "allow" },
      ],
      bash("ls"),
      "allow",
    ],
    [
      "a pattern in the middle",
      [{ tool: "execute", pattern: "npm * --dry-run", action: "allow" }],
      bash("npm publish --dry-run"),
      "allow",
    ],
    [
      "allow does not reach a second command",
      [{ tool: "execute", pattern: "git *", action: "allow" }],
      bash("git log; rm -rf ."),
      "ask",
    ],
    [
      "allow does not reach a substitution",
      [{ tool: "execute", pattern: "echo *", action: "allow" }],
      bash("echo $(cat secret)"),
      "ask",
    ],
    [
      "allow does not go by a title that lies",
      [{ tool: "execute", pattern: "ls", action: "allow" }],
      call({ kind: "execute", title: "ls", rawInput: { command: "rm a" } }),
      "ask",
    ],
    [
      "deny reaches every part",
      [{ tool: "execute", pattern: "*rm *", action: "deny" }],
      bash("ls && rm a"),
      "deny",
    ],
    [
      "a path",
      [{ tool: "edit", pattern: "/workspace/docs/*", action: "allow" }],
      call({ kind: "edit", rawInput: { file_path: "/workspace/docs/a" } }),
      "allow",
    ],
  ]
  it.each(cases)("%s", (_, policy, request, expected) => {
    expect(judgePermission(policy, request)).toBe(expected)
  })

  it("matches patterns as a regular expression of them would", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 })
    fc.assert(
      fc.property(text, text, (pattern, command) => {
        const source = pattern
          .split("*")
          .map((part) => part)
          .join(".*")
        const expected = new RegExp(`^(?:${source})$`).test(command)
        const verdict = judgePermission(
          [{ tool: "*", pattern, action: "allow" }],
          call({ rawInput: { command } }),
        )
        expect(verdict === "allow").toBe(expected)
      }),
    )
  })

  it("takes linear time for patterns made to be slow", () => {
    const startedAt = performance.now()
    judgePermission([{ tool: "*", pattern: "*a".repeat(2000), action: "allow" }], bash("a".repeat(100_000)))
    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})

describe("optionFor", () => {
  it("chooses the weaker option first, and none where the agent offers none", () => {
    expect(optionFor("allow", call({}, ["allow_always", "allow_once"]))).toBe("allow_once")
    expect(optionFor("deny", call({}, ["reject_always"]))).toBe("reject_always")
    expect(optionFor("deny", call({}, ["allow_once"]))).toBeNull()
  })
})
