export { createFilesystemBlobStore } from "./blob-store.ts"
