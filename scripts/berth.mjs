#!/usr/bin/env node
// What bin/berth runs in a checkout: the command line, built first where it has to be.
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { ensureDependencies } from "./dependencies.mjs"
import { ensureBuild } from "./ensure-build.mjs"
import { continueUnderNode24 } from "./node-24.mjs"
import { dist } from "./paths.mjs"

ensureDependencies()
await continueUnderNode24(fileURLToPath(import.meta.url))
ensureBuild()
await import(pathToFileURL(join(dist, "cli.js")).href)
