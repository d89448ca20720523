export { launchDocument, type LaunchDocument } from "./config.ts"
export { readUnsent, type ImportBlob } from "./read-unsent.ts"
