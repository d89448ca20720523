/** Of this server, as `/health` and the OpenAPI document say it. */
export const version = "0.1.0"
