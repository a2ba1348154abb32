import { createConnection, type Socket } from 'node:net'
import { expect, vi } from 'vitest'
import type { Site } from './site.ts'

const CLIENTS = 200
/** The gateway's patience with a request's head, and how often it looks. */
const HANG_UP_TIMEOUT_MS = 40_000

/** Clients that begin a request each and never end it. */
export const openSlowClients = ({ url }: Site) => {
  const { hostname, port } = new URL(url)
  const open = new Set<Socket>()
  for (let number = 0; number < CLIENTS; number++) {
    const socket = createConnection({ host: hostname, port: Number(port) })
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.resume()
    socket.write('GET /tasks HTTP/1.1\r\nhost: x\r\nx-slow: ')
    open.add(socket)
  }
  // A letter now and then keeps no connection alive.
  const dripping = setInterval(() => {
    for (const socket of open) socket.write('x')
  }, 500)
  return {
    count: () => open.size,
    expectHungUp: async () => {
      await vi.waitFor(() => expect(open.size).toBe(0), { timeout: HANG_UP_TIMEOUT_MS, interval: 250 })
    },
    stop: () => {
      clearInterval(dripping)
      for (const socket of open) socket.destroy()
    },
  }
}
