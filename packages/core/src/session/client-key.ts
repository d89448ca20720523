/** The log's name for a client's idempotency key: keys of clients and of our own side never meet. */
export function clientKey(key: string): string {
  return `client/${key}`
}
