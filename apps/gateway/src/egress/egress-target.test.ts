import type { NetworkPolicy } from "@berth/protocol"
import { expect, test } from "vitest"
import { parseEgressTarget, refusedByPolicy } from "./egress-target.ts"

test.each([
  ["example.com:443", "example.com", 443, false],
  ["EXAMPLE.com.:80", "example.com", 80, false],
  ["1.2.3.4:443", "1.2.3.4", 443, true],
  ["2130706433:80", "127.0.0.1", 80, true],
  ["0x7f.1:80", "127.0.0.1", 80, true],
  ["017700000001:80", "127.0.0.1", 80, true],
  ["127.1:80", "127.0.0.1", 80, true],
  ["１２７.0.0.1:80", "127.0.0.1", 80, true],
  ["[::1]:443", "::1", 443, true],
  ["[::ffff:127.0.0.1]:443", "::ffff:7f00:1", 443, true],
  ["bücher.example:443", "xn--bcher-kva.example", 443, false],
  ["_srv.example.com:443", "_srv.example.com", 443, false],
])("%s is %s port %i", (authority, host, port, isAddress) => {
  expect(parseEgressTarget(authority, null)).toEqual({ host, port, isAddress })
})

test.each([
  "",
  "example.com",
  ":443",
  "example.com:",
  "example.com:abc",
  "user@example.com:443",
  "a b:443",
  "example.com/x:443",
  "::1:443",
  "[::1",
  "a\0b:443",
  "a\r\nb:443",
  "%2e:443",
  "*.example.com:443",
  `${"a".repeat(300)}:443`,
])("%j is no target", (authority) => {
  expect(parseEgressTarget(authority, null)).toBeNull()
})

const list: NetworkPolicy = { allow: ["api.example.com", "*.wild.example", "9.9.9.9"] }
test.each<[NetworkPolicy, string, boolean]>([
  ["none", "example.com:443", false],
  ["all", "example.com:443", true],
  ["all", "example.com:80", true],
  ["all", "example.com:22", false],
  ["all", "example.com:8443", false],
  [list, "api.example.com:443", true],
  [list, "API.EXAMPLE.COM.:443", true],
  [list, "example.com:443", false],
  [list, "xapi.example.com:443", false],
  [list, "api.example.com.evil.com:443", false],
  [list, "a.wild.example:443", true],
  [list, "a.b.wild.example:80", true],
  [list, "wild.example:443", false],
  [list, "notwild.example:443", false],
  [list, "api.example.com:8080", false],
  [list, "9.9.9.9:443", true],
  [list, "9.9.9.10:443", false],
  [{ allow: [] }, "example.com:443", false],
  [{ allow: ["*.9.9.9"] }, "9.9.9.9:443", false],
])("policy %j, %s: %s", (policy, authority, isAllowed) => {
  const target = parseEgressTarget(authority, null)
  if (target === null) throw new Error("it is a target")
  expect(refusedByPolicy(policy, target) === null).toBe(isAllowed)
})
