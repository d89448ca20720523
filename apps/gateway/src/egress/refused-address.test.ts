import fc from "fast-check"
import { expect, test } from "vitest"
import { refusedAddress } from "./refused-address.ts"

const own = ["8.8.4.4", "2001:4860:4860::8844", "fe80::1%eth0"]

test.each([
  "1.1.1.1",
  "8.8.8.8",
  "100.63.255.255",
  "100.128.0.1",
  "172.15.0.1",
  "172.32.0.1",
  "192.167.1.1",
  "169.253.0.1",
  "223.255.255.1",
  "2606:4700:4700::1111",
  "2a00:1450::1",
  "::ffff:8.8.8.8",
  "64:ff9b::8.8.8.8",
  "2002:808:808::1",
])("%s is allowed", (address) => {
  expect(refusedAddress(address, own)).toBeNull()
})

test.each([
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "100.64.0.1",
  "100.100.100.200",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254",
  "168.63.129.16",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.192",
  "192.0.2.1",
  "192.168.0.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::127.0.0.1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:10.0.0.1",
  "::ffff:0:127.0.0.1",
  "64:ff9b::127.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::8.8.8.8",
  "2002:7f00:1::",
  "2002:a00:1::1",
  "2001::1",
  "2001:db8::1",
  "3fff::1",
  "5f00::1",
  "100::1",
  "4000::1",
  "fc00::1",
  "fd00:ec2::254",
  "fd20:ce::254",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
  "8.8.4.4",
  "::ffff:8.8.4.4",
  "64:ff9b::8.8.4.4",
  "2002:808:404::1",
  "2001:4860:4860::8844",
  "2001:4860:4860:0:0:0:0:8844",
  "",
  "localhost",
])("%s is refused", (address) => {
  expect(refusedAddress(address, own)).not.toBeNull()
})

test("an IPv6 form is refused whenever the IPv4 address in it is", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const hex = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))
      const words = `${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`
      const refused = refusedAddress(address, own)
      expect(refusedAddress(`::ffff:${words}`, own)).toBe(refused)
      expect(refusedAddress(`64:ff9b::${words}`, own)).toBe(refused)
      expect(refusedAddress(`2002:${words}::1`, own)).toBe(refused)
    }),
  )
})
