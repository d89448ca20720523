import { expect, test } from "vitest"
import { hostWords } from "./host-words.ts"

const folder = (target: string, source: string) => ({ target, source, isWritable: true })
const local = hostWords(
  [
    folder("/workspace", "/d/1/workspace"),
    folder("/opt/berth/node", "/n"),
    folder("/run/berth", "/s$&"),
    folder("/tmp", "/t"),
  ],
  new Map([[3128, 40_001]]),
)

test.each([
  ["/workspace", "/d/1/workspace"],
  ["cat /workspace/a '/workspace/b c'", "cat /d/1/workspace/a '/d/1/workspace/b c'"],
  ["/opt/berth/node/bin:/usr/bin:/tmp", "/n/bin:/usr/bin:/t"],
  ["UNIX-CONNECT:/run/berth/tools.sock", "UNIX-CONNECT:/s$&/tools.sock"],
  ["--dir=/workspace", "--dir=/d/1/workspace"],
  ["http://127.0.0.1:3128/x http://localhost:3128", "http://127.0.0.1:40001/x http://localhost:40001"],
  [
    "/workspaces /my/workspace /tmpfile 127.0.0.1:31280 /d/tmp",
    "/workspaces /my/workspace /tmpfile 127.0.0.1:31280 /d/tmp",
  ],
])("%s", (inside, host) => {
  expect(local(inside)).toBe(host)
})
