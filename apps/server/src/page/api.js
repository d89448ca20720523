/** One call of the API; answers the JSON body. Rejects with the message the server gave. */
export async function call(method, path, body, headers = {}) {
  const init = { method, headers: { ...headers } }
  if (body !== undefined) {
    init.headers["content-type"] = "application/json"
    init.body = JSON.stringify(body)
  }
  const response = await fetch(path, init)
  const answer = await response.json().catch(() => ({}))
  if (!response.ok)
    throw new Error(answer.message ?? answer.error ?? `${response.status} ${response.statusText}`)
  return answer
}
