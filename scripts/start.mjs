#!/usr/bin/env node
// `npm start`: everything from a fresh clone to a running server. When all is in place, only a few files
// are looked at before the server's own code is loaded into this process.
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { coalesceSignals } from "./coalesce-signals.mjs"
import { ensureDependencies } from "./dependencies.mjs"
import { ensureBuild } from "./ensure-build.mjs"
import { ensureHost } from "./host.mjs"
import { continueUnderNode24 } from "./node-24.mjs"
import { dist } from "./paths.mjs"

ensureDependencies()
await continueUnderNode24(fileURLToPath(import.meta.url))
ensureHost(process.argv.slice(2))
ensureBuild()
coalesceSignals(process, { windowMs: 1_000 })
await import(pathToFileURL(join(dist, "server.js")).href)
