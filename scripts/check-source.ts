import { posix } from "node:path"
import { parseSync } from "rolldown/utils"
import { emptyNames, layers, type Layer } from "./layers.ts"

export interface SourceFile {
  /** From the root, with `/`. */
  readonly path: string
  readonly text: string
  /** Packages listed by the workspace's package.json (and, for tests and scripts, by the root's). */
  readonly declared: ReadonlySet<string>
}

/** Sentences on what is wrong in one file: its name, its place in the layers, its exports. */
export function checkSource(file: SourceFile): readonly string[] {
  const name = posix.basename(file.path)
  const faults: string[] = []
  if (emptyNames.test(name)) faults.push(`the name ${name} says nothing: name it for its main export`)
  const parsed = parseSync(file.path, file.text)
  if (parsed.errors.length > 0) return [...faults, "does not parse"]
  const { module, program } = parsed
  for (const { entries } of module.staticExports) {
    for (const entry of entries) {
      if (entry.importName.kind === "AllButDefault") faults.push("`export *`: list the names")
    }
  }
  if (name === "index.ts" && file.path.includes("/src/")) faults.push(...indexFaults(program.body))
  const layer = layers.find(({ files }) => files.test(file.path))
  if (layer === undefined) return faults
  for (const specifier of importedBy(module, program, file.text)) {
    const fault = importFault(file, layer, specifier)
    if (fault !== null) faults.push(fault)
  }
  return faults
}

type Parsed = ReturnType<typeof parseSync>

/** index.ts lists names of other files; it holds nothing itself. */
function indexFaults(body: Parsed["program"]["body"]): readonly string[] {
  const listsOnly = body.every((node) => node.type === "ExportNamedDeclaration" && node.source !== null)
  return listsOnly ? [] : ["index.ts only lists named exports of other files"]
}

function importedBy(module: Parsed["module"], program: Parsed["program"], text: string): ReadonlySet<string> {
  const specifiers = new Set<string>()
  for (const { moduleRequest } of module.staticImports) specifiers.add(moduleRequest.value)
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) if (moduleRequest) specifiers.add(moduleRequest.value)
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const written = text.slice(moduleRequest.start, moduleRequest.end)
    const literal = /^(["'`])([^$]*)\1$/.exec(written)
    if (literal?.[2] !== undefined) specifiers.add(literal[2])
  }
  for (const specifier of typeImports(program)) specifiers.add(specifier)
  return specifiers
}

/** `import("x").Y` in a type. */
function typeImports(node: unknown): readonly string[] {
  if (typeof node !== "object" || node === null) return []
  const found = Object.values(node).flatMap(typeImports)
  if ("type" in node && node.type === "TSImportType" && "source" in node) {
    const { source } = node
    if (typeof source === "object" && source !== null && "value" in source) found.push(String(source.value))
  }
  return found
}

function importFault(file: SourceFile, layer: Layer, specifier: string): string | null {
  if (specifier.startsWith(".")) return relativeFault(file.path, specifier)
  if (/^(node|cloudflare|bun|deno):/.test(specifier)) {
    return layer.node && specifier.startsWith("node:") ? null : `may not import ${specifier}`
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")
  if (name.startsWith("@berth/")) {
    if (specifier !== name) return `imports ${specifier}: only what its index.ts lists`
    if (layer.own === "*" || layer.own.includes(name) || name === ownName(file.path)) return null
    return `may not import ${name} (layers: protocol ← core ← api, adapters ← apps)`
  }
  if (layer.external === "declared") {
    return file.declared.has(name) ? null : `imports ${name}, which its package.json does not list`
  }
  return layer.external.includes(name) ? null : `may not import ${name}`
}

/** A relative import stays inside its own workspace. */
function relativeFault(path: string, specifier: string): string | null {
  const target = posix.join(posix.dirname(path), specifier)
  const home = workspaceOf(path)
  if (home === null || target.startsWith(`${home}/`)) return null
  return `reaches out of ${home} with ${specifier}: import the package by name`
}

/** `packages/core` of `packages/core/src/x.ts`; null outside the workspaces. */
export function workspaceOf(path: string): string | null {
  return /^(?:packages|adapters|apps|agents)\/[^/]+(?=\/)/.exec(path)?.[0] ?? null
}

function ownName(path: string): string | null {
  const folder = workspaceOf(path)
  return folder === null ? null : `@berth/${posix.basename(folder)}`
}
