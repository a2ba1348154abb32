import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type ListenOptions } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** Things of the host that no task may reach, and a watch over them. */
export type Baits = {
  port: number
  unixSocket: string
  abstractSocket: string
  secretFile: string
  /** Also an environment variable of the platform's processes. */
  secret: string
  /** The host's own addresses beside loopback. */
  addresses: string[]
  /** What was touched. */
  listTouched(): Promise<string[]>
  remove(): Promise<void>
}

/** Lays them out where any process of the host would reach them. */
export const layBaits = async (): Promise<Baits> => {
  const folder = await mkdtemp(join(tmpdir(), 'abuse-bait-'))
  await chmod(folder, 0o755)
  const secret = `secret-${randomBytes(16).toString('hex')}`
  const secretFile = join(folder, 'secret')
  await writeFile(secretFile, secret, { mode: 0o666 })
  const touched: string[] = []
  const listen = async (name: string, options: ListenOptions) => {
    const server = createServer((socket) => {
      touched.push(name)
      socket.destroy()
    })
    server.listen(options)
    await once(server, 'listening')
    return server
  }
  const abstractSocket = basename(folder)
  const unixSocket = join(folder, 'socket')
  const portServer = await listen('port', { host: '::', port: 0 })
  const servers = [
    portServer,
    await listen('unix socket', { path: unixSocket, readableAll: true, writableAll: true }),
    await listen('abstract socket', { path: `\0${abstractSocket}` }),
  ]
  return {
    port: (portServer.address() as AddressInfo).port,
    unixSocket,
    abstractSocket,
    secretFile,
    secret,
    addresses: Object.values(networkInterfaces())
      .flat()
      .flatMap((entry) => (entry && entry.family === 'IPv4' && !entry.internal ? [entry.address] : [])),
    listTouched: async () =>
      (await readFile(secretFile, 'utf8')) === secret ? touched : [...touched, 'secret file'],
    remove: async () => {
      for (const server of servers) server.close()
      await rm(folder, { recursive: true })
    },
  }
}
