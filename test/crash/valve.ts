import { connect, createServer, type Socket } from 'node:net'

export type Valve = {
  /** The given URL, but through the valve. */
  url: string
  /** Closed: connections stay open and nothing passes, as behind a network that drops packets. */
  close(): void
  open(): void
  /** Resets every connection; new ones work. */
  reset(): void
  stop(): Promise<void>
}

/** A TCP relay in front of a server, which a test can shut and open. */
export const startValve = async (target: string): Promise<Valve> => {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let closed = false
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    // A server that is not there refuses; it does not take a connection and hang up.
    far.on('error', () => near.resetAndDestroy())
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      if (closed) from.pause()
      from.on('data', (chunk: Buffer) => to.write(chunk))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('the valve has no port')
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  return {
    url: url.href,
    close: () => {
      closed = true
      for (const socket of sockets) socket.pause()
    },
    open: () => {
      closed = false
      for (const socket of sockets) socket.resume()
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    stop: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
