import type { Server } from 'node:http'
import { createServer } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'

/** Slow clients: the time for a request's head, for the whole of it, and between two requests of a connection. */
const HEADERS_TIMEOUT_MS = 15_000
const REQUEST_TIMEOUT_MS = 120_000
const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** How often Node looks who is too slow; its own 30 s would triple the first of these times. */
const LOOK_INTERVAL_MS = 5_000
const MAX_HEADER_BYTES = 16_384

/** Serves an app on a port (0 picks a free one); resolves once it listens. */
export const listenOn = async (
  fetch: (request: Request) => Response | Promise<Response>,
  options: { hostname: string; port: number },
): Promise<{ port: number; server: Server }> => {
  const server = createAdaptorServer({
    fetch,
    serverOptions: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: LOOK_INTERVAL_MS,
    },
  }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.hostname, resolve)
  })
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('the server has no port')
  return { port: address.port, server }
}

/** Takes no more connections and waits for the requests in hand, `graceMs` at most. */
export const closeServer = async (server: Server, graceMs: number): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const force = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(force)
}

/** A port of loopback that nobody listens on right now. */
export const findFreePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
