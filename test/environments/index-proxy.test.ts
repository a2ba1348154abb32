import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openIndexProxy } from '../../shared/environments/index-proxy.ts'

/** A server that answers with so many bytes, and counts who came. */
const serve = async (bytes: number) => {
  let visits = 0
  const server = createServer((_, response) => {
    visits += 1
    response.end(Buffer.alloc(bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, visits: () => visits }
}

const openProxy = async (hosts: string[], maxBytes = 1_000_000) => {
  const proxy = await openIndexProxy(hosts, maxBytes)
  onTestFinished(() => proxy.close())
  return proxy
}

/** Status of a plain request through the proxy, or what broke it. */
const get = async (socketPath: string, path: string) => {
  const asked = request({ socketPath, path, timeout: 5_000 })
  asked.end()
  try {
    const [response] = await once(asked, 'response')
    let bytes = 0
    for await (const chunk of response) bytes += chunk.length
    return { status: response.statusCode, bytes }
  } catch {
    return 'broken'
  }
}

/** Status of a tunnel, and of a request through it. */
const tunnel = async (socketPath: string, path: string) => {
  const asked = request({ socketPath, path, method: 'CONNECT', timeout: 5_000 })
  asked.end()
  const [response, socket] = await once(asked, 'connect')
  onTestFinished(() => void socket.destroy())
  if (response.statusCode !== 200) return response.statusCode
  const inner = request({ createConnection: () => socket, path: '/' })
  inner.end()
  const [answer] = await once(inner, 'response')
  answer.resume()
  return answer.statusCode
}

test('the index is reached, by request and by tunnel', async () => {
  const index = await serve(10)
  const proxy = await openProxy([index.host])
  expect(await get(proxy.path, `http://${index.host}/simple/`)).toEqual({ status: 200, bytes: 10 })
  expect(await tunnel(proxy.path, index.host)).toBe(200)
})

test.for([
  'another port of the same host',
  '169.254.169.254:80',
  '169.254.42.42:80',
  '[fd00:42::42]:80',
  'localhost:22',
  '127.0.0.1:443@169.254.169.254:80',
  '',
])('nothing else is: %s', async (name) => {
  const [index, other] = [await serve(10), await serve(10)]
  const proxy = await openProxy([index.host])
  const target = name.startsWith('another') ? other.host : name
  expect(await get(proxy.path, `http://${target}/`)).toMatchObject({ status: 403 })
  if (target !== '') expect(await tunnel(proxy.path, target)).toBe(403)
  expect([index.visits(), other.visits()]).toEqual([0, 0])
})

test('a path alone, as to a web server, is not a request to a proxy', async () => {
  const proxy = await openProxy(['127.0.0.1:80'])
  expect(await get(proxy.path, '/etc/passwd')).toMatchObject({ status: 403 })
})

test('exactly the allowed number of bytes comes in; one more ends every connection', async () => {
  const [fitting, large] = [await serve(1_000), await serve(1_001)]
  const first = await openProxy([fitting.host], 1_000)
  expect(await get(first.path, `http://${fitting.host}/`)).toEqual({ status: 200, bytes: 1_000 })
  expect(first.exhausted).toBe(false)
  const second = await openProxy([large.host], 1_000)
  await get(second.path, `http://${large.host}/`)
  expect(second.exhausted).toBe(true)
})

test('closing it removes its socket', async () => {
  const proxy = await openIndexProxy([], 1)
  await proxy.close()
  expect(existsSync(proxy.path)).toBe(false)
})
