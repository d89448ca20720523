import type { NotificationParams } from "@berth/protocol"

const contentTypes: Readonly<Record<string, string>> = {
  avif: "image/avif",
  css: "text/css",
  csv: "text/csv",
  gif: "image/gif",
  htm: "text/html",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  md: "text/markdown",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain",
  wav: "audio/wav",
  webm: "video/webm",
  webp: "image/webp",
  xml: "application/xml",
  zip: "application/zip",
}

/** By the name's extension; `application/octet-stream` when it says nothing. */
export function contentTypeOf(path: string): string {
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ""
  return contentTypes[extension] ?? "application/octet-stream"
}

/** What an artifact is shown as when its maker does not say. */
export function artifactTypeOf(path: string): NotificationParams<"_berth/artifact">["type"] {
  const contentType = contentTypeOf(path)
  if (contentType.startsWith("image/")) return "image"
  return contentType.startsWith("video/") ? "video" : "file"
}
