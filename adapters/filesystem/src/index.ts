export { createFilesystemBlobStore, type FilesystemBlobStore } from "./blob-store.ts"
