export { createBubblewrapProvider, type BubblewrapProviderOptions } from "./bubblewrap-provider.ts"
export { checkHost, type HostCheck } from "./host/check-host.ts"
export { defaultSearchPath, insidePaths, insideUser } from "./inside-paths.ts"
