export {
  createSqliteLog,
  createSqliteStores,
  type SqliteLog,
  type SqliteStores,
} from "./create-sqlite-stores.ts"
export { createDurableObjectSql, type DurableObjectStorage } from "./durable-object-sql.ts"
export { openDatabase, type Database } from "./node-database.ts"
export { importSecretsKey } from "./seal-secret.ts"
export type { Sql, SqlRow, SqlStatement, SqlValue } from "./sql.ts"
