import { sandboxProviderSuite } from "@berth/conformance"
import { afterAll } from "vitest"
import { createBubblewrapProvider } from "./bubblewrap-provider.ts"
import { createTestProvider } from "./testing/test-host.ts"
import { createUnsafeProvider } from "./unsafe/unsafe-provider.ts"

const isolated = createTestProvider(createBubblewrapProvider)
const unsafe = createTestProvider(createUnsafeProvider)
afterAll(() => Promise.all([isolated.remove(), unsafe.remove()]))

sandboxProviderSuite("bubblewrap", () =>
  Promise.resolve({ provider: isolated.provider, close: isolated.clear }),
)

sandboxProviderSuite("unsafe", () => Promise.resolve({ provider: unsafe.provider, close: unsafe.clear }), {
  skips: [
    {
      test: "memory beyond the limit ends the process, with the reason",
      reason: "nothing holds a plain process to a limit, and each sandbox states that",
    },
    {
      test: "processes beyond the limit are not started",
      reason: "nothing holds a plain process to a limit, and each sandbox states that",
    },
  ],
})
