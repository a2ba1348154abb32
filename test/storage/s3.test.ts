import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openS3Store } from '../../shared/storage/s3.ts'

/**
 * How the S3 store bears a server that fails; what a good one does is in `s3.peers.test.ts`.
 */
const PART_BYTES = 16 * 1024 * 1024
const text = { contentType: 'text/plain' }
const unavailable = { code: 'UNAVAILABLE' }

const openAt = (port: number, options: { patienceMs?: number } = {}) => {
  const store = openS3Store({
    bucket: 'objects',
    region: 'fr-par',
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'hunter2' },
    connectTimeoutMs: 500,
    idleTimeoutMs: 300,
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}

const serve = async (listener: RequestListener, options: { patienceMs?: number } = {}) => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return openAt((server.address() as AddressInfo).port, options)
}

const calls = (store: ReturnType<typeof openAt>) =>
  ({
    get: () => store.get('a'),
    head: () => store.head('a'),
    put: () => store.put('a', 'x', text),
    delete: () => store.delete(['a']),
    list: () => store.list('')[Symbol.asyncIterator]().next(),
    check: () => store.check(),
  }) as const

test('nobody listening is UNAVAILABLE', async () => {
  const closed = createTcpServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  for (const call of Object.values(calls(openAt(port))))
    await expect(call()).rejects.toMatchObject(unavailable)
})

test('a server that accepts and says nothing is UNAVAILABLE, in time', async () => {
  const sockets: Socket[] = []
  const silent = createTcpServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const began = performance.now()
  const store = openAt((silent.address() as AddressInfo).port)
  await Promise.all(
    Object.values(calls(store)).map((call) => expect(call()).rejects.toMatchObject(unavailable)),
  )
  expect(performance.now() - began).toBeLessThan(5_000)
})

test('a server that always fails is asked three times and is UNAVAILABLE', async () => {
  let asked = 0
  const store = await serve((_, response) => {
    asked++
    response.writeHead(503).end()
  })
  for (const call of Object.values(calls(store))) {
    asked = 0
    await expect(call()).rejects.toMatchObject({ ...unavailable, retryAfterSeconds: 5 })
    expect(asked).toBe(3)
  }
})

test('a server that fails once is asked again', async () => {
  const bodies: string[] = []
  const store = await serve(async (request, response) => {
    bodies.push(String(await buffer(request)))
    response.writeHead(bodies.length === 1 ? 503 : 200, { etag: '"x"' }).end()
  })
  expect(await store.put('a', 'the whole body', text)).toMatchObject({ sizeBytes: 14 })
  expect(bodies).toEqual(['the whole body', 'the whole body'])
})

test('a patient store waits for a server that is away, part by part, and no longer than it may', async () => {
  const PARTS = 3
  const failures = new Map<string, number>()
  const patient = await serve(
    async (request, response) => {
      await buffer(request)
      const failed = failures.get(request.url ?? '') ?? 0
      failures.set(request.url ?? '', failed + 1)
      if (failed < 3) return failed % 2 === 0 ? response.writeHead(503).end() : request.socket.destroy()
      const body = request.method === 'POST' ? '<UploadResult><UploadId>u</UploadId></UploadResult>' : ''
      return response.writeHead(200, { etag: '"x"' }).end(body)
    },
    { patienceMs: 60_000 },
  )
  async function* content() {
    for (let part = 0; part < PARTS; part++) yield Buffer.alloc(PART_BYTES)
  }
  expect(await patient.put('a', Readable.from(content()), text)).toMatchObject({
    sizeBytes: PARTS * PART_BYTES,
  })
  // The beginning of the upload, its parts, its end.
  expect([...failures.values()]).toEqual(Array(PARTS + 2).fill(4))

  let asked = 0
  const hasty = await serve(
    (_, response) => {
      asked++
      response.writeHead(503).end()
    },
    { patienceMs: 400 },
  )
  await expect(hasty.put('a', 'x', text)).rejects.toMatchObject(unavailable)
  expect(asked).toBeGreaterThan(2)
})

test('a patient store does not repeat what the server refuses', async () => {
  let asked = 0
  const store = await serve(
    (_, response) => {
      asked++
      response.writeHead(403).end()
    },
    { patienceMs: 60_000 },
  )
  await expect(store.put('a', 'x', text)).rejects.toMatchObject(unavailable)
  expect(asked).toBe(1)
})

test('a body that stands still in the middle is UNAVAILABLE', async () => {
  const store = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '1000', 'content-type': 'text/plain' }).write('ten bytes.')
  })
  const object = await store.get('a')
  expect(object?.sizeBytes).toBe(1000)
  await expect(object && buffer(object.body)).rejects.toMatchObject(unavailable)
})

test('a body that breaks off in the middle is UNAVAILABLE', async () => {
  const store = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '1000', 'content-type': 'text/plain' })
    response.write('ten bytes.', () => response.destroy())
  })
  const object = await store.get('a')
  await expect(object && buffer(object.body)).rejects.toMatchObject(unavailable)
})

test('a body that is not read gives its connection back', async () => {
  let open = 0
  const store = await serve((_, response) => {
    open++
    response.on('close', () => open--)
    response.writeHead(200, { 'content-length': '1000000', 'content-type': 'text/plain' }).write('some')
  })
  for (let round = 0; round < 3; round++) (await store.get('a'))?.body.destroy()
  await vi.waitFor(() => expect(open).toBe(0), { timeout: 200, interval: 10 })
})

test('no error tells the secret', async () => {
  const store = await serve((_, response) => response.writeHead(403).end())
  const error = await store.get('a').catch((caught: unknown) => caught)
  expect(error).toMatchObject(unavailable)
  expect(JSON.stringify(error)).not.toContain('hunter2')
  expect(String(error)).not.toContain('hunter2')
})

test('an object that is not deleted is an error', async () => {
  const store = await serve((_, response) => {
    response
      .writeHead(200, { 'content-type': 'application/xml' })
      .end(
        '<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>',
      )
  })
  await expect(store.delete(['a'])).rejects.toMatchObject({
    ...unavailable,
    message: expect.stringContaining('AccessDenied'),
  })
})

test('a deletion carries the MD5 that older servers insist on', async () => {
  let md5: string | undefined
  const store = await serve((request, response) => {
    md5 = request.headers['content-md5']?.toString()
    response.writeHead(200, { 'content-type': 'application/xml' }).end('<DeleteResult/>')
  })
  await store.delete(['a'])
  expect(md5).toMatch(/^[\w+/]{22}==$/)
})
