const fallback = "application/octet-stream"
const typePattern = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/i

/** By extension; texts are UTF-8. */
const byExtension: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  gif: "image/gif",
  htm: "text/html; charset=utf-8",
  html: "text/html; charset=utf-8",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  log: "text/plain; charset=utf-8",
  m4a: "audio/mp4",
  md: "text/markdown; charset=utf-8",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  wav: "audio/wav",
  wasm: "application/wasm",
  webm: "video/webm",
  webp: "image/webp",
  xml: "application/xml",
  zip: "application/zip",
}

/** Pure. The type that a file is served with: by its extension, else as named, when that is a type at all. */
export function contentTypeOf(path: string, named?: string): string {
  const extension = /\.([^./]{1,10})$/.exec(path)?.[1]?.toLowerCase() ?? ""
  const known = Object.hasOwn(byExtension, extension) ? byExtension[extension] : undefined
  return known ?? (named !== undefined && typePattern.test(named) ? named : fallback)
}
