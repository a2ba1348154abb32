import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type FaultyNetwork = {
  /** The target's URL by way of this network. */
  url: string
  /** Resets every connection; new ones work. */
  breakConnections(): void
  /** The server is gone: connections are reset, new ones refused. */
  cut(): Promise<void>
  /** The server hangs: connections stay open and nothing comes back, on new ones neither. */
  freeze(): void
  /** What is sent still arrives, but of the answers nothing comes back. New connections work. */
  swallowAnswers(): void
  /** Ends what `cut` or `freeze` began. Connections that were frozen stay silent, as after a failover. */
  mend(): Promise<void>
  stop(): Promise<void>
}

/** A stretch of network that can fail, between a client and a real server on loopback. */
export const startFaultyNetwork = async (targetUrl: string): Promise<FaultyNetwork> => {
  const target = new URL(targetUrl)
  const sockets = new Set<Socket>()
  const swallowers = new Set<() => void>()
  let frozen = false

  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((near) => {
    track(near)
    if (frozen) return
    const far = connect(Number(target.port), target.hostname)
    track(far)
    near.on('close', () => far.destroy())
    const swallow = () => far.unpipe(near).resume()
    swallowers.add(swallow)
    far.on('close', () => {
      swallowers.delete(swallow)
      near.destroy()
    })
    near.pipe(far)
    far.pipe(near)
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the network has no port')
  const { port } = address

  const breakConnections = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    breakConnections()
    await closed
  }
  const url = new URL(targetUrl)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    breakConnections,
    cut: close,
    freeze() {
      frozen = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    swallowAnswers() {
      for (const swallow of swallowers) swallow()
    },
    async mend() {
      frozen = false
      if (!server.listening) await listen(port)
    },
    stop: close,
  }
}
