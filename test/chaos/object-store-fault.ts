import { once } from 'node:events'
import { createServer, request, type ServerResponse } from 'node:http'

export type StoreFault = 'none' | 'unavailable' | 'reset'

export type FaultyStore = {
  url: string
  /** `unavailable`: every request is answered with 503. `reset`: connections are cut in mid-request. */
  set(fault: StoreFault): void
  stop(): Promise<void>
}

const SLOW_DOWN =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please slow down.</Message></Error>'

/** An HTTP relay in front of an S3 server. Headers pass unchanged, so that signatures hold. */
export const startFaultyStore = async (target: string): Promise<FaultyStore> => {
  const { hostname, port } = new URL(target)
  let fault: StoreFault = 'none'
  const refuse = (response: ServerResponse) =>
    response.writeHead(503, { 'content-type': 'application/xml', connection: 'close' }).end(SLOW_DOWN)
  const server = createServer((incoming, response) => {
    if (fault === 'unavailable') return void refuse(response)
    if (fault === 'reset') return void incoming.socket.resetAndDestroy()
    const { method, url: path, headers } = incoming
    const outgoing = request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    const cut = () => incoming.socket.destroy()
    outgoing.on('error', cut)
    incoming.on('error', () => outgoing.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    set: (next) => {
      fault = next
      if (next === 'reset') server.closeAllConnections()
    },
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
