import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { hostOf } from './package-index.ts'

export type IndexProxy = {
  /** The socket that a build sandbox is given. */
  path: string
  /** `host:port` of what was asked for and refused. */
  refused: ReadonlySet<string>
  /** More than the limit came in, and the proxy let go of everything. */
  readonly exhausted: boolean
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 30_000

/**
 * Opens the one way out of a build sandbox: an HTTP proxy on a Unix socket, that reaches these hosts and no other, and
 * carries so many bytes inwards.
 */
export const openIndexProxy = async (
  hosts: readonly string[],
  maxDownloadBytes: number,
): Promise<IndexProxy> => {
  const allowed = new Set(hosts)
  const refused = new Set<string>()
  const sockets = new Set<Duplex>()
  let downloaded = 0

  const isAllowed = (host: string): boolean => {
    if (allowed.has(host)) return true
    refused.add(host.slice(0, 300))
    return false
  }
  const count = (chunk: Buffer) => {
    downloaded += chunk.length
    if (downloaded > maxDownloadBytes) for (const socket of sockets) socket.destroy()
  }
  const keep = (socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
  }

  /** A tunnel to an index that speaks TLS: its certificate is the client's to check. */
  const tunnel = ({ url = '' }: IncomingMessage, client: Duplex) => {
    keep(client)
    if (!isAllowed(url)) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const [host = '', port] = [url.slice(0, url.lastIndexOf(':')), url.slice(url.lastIndexOf(':') + 1)]
    const upstream: Socket = connect({
      host: host.replace(/^\[|\]$/g, ''),
      port: Number(port),
      timeout: CONNECT_TIMEOUT_MS,
    })
    keep(upstream)
    upstream.once('timeout', () => upstream.destroy())
    upstream.once('connect', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.on('data', count)
      upstream.pipe(client)
      client.pipe(upstream)
    })
    upstream.once('close', () => client.destroy())
    client.once('close', () => upstream.destroy())
  }

  /** A plain request to an index that does not speak TLS, such as a mirror on the same machine. */
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const address = incoming.url ?? ''
    if (!URL.canParse(address) || !isAllowed(hostOf(address))) return void outgoing.writeHead(403).end()
    const { method = 'GET', headers } = incoming
    const onward = request(address, {
      method,
      headers: { ...headers, connection: 'close' },
      timeout: CONNECT_TIMEOUT_MS,
    })
    onward.once('timeout', () => onward.destroy())
    onward.once('error', () => outgoing.destroy())
    onward.once('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('data', count)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  }

  const server = createServer(forward).on('connect', tunnel).on('connection', keep)
  const path = join(await mkdtemp(join(tmpdir(), 'index-')), 'socket')
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  return {
    path,
    refused,
    get exhausted() {
      return downloaded > maxDownloadBytes
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
      await rm(dirname(path), { recursive: true, force: true })
    },
  }
}
