import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openDiskStore } from '../../shared/storage/disk.ts'
import type { ObjectStore } from '../../shared/storage/index.ts'
import { describeObjectStore, newFolder, read } from './contract.ts'
import { SIGNING_KEY, startDisk } from './disk-gateway.ts'

const text = { contentType: 'text/plain' }

describeObjectStore('disk', startDisk)

describe('the folder of a disk store', () => {
  let directory: string
  let outside: string
  let store: ObjectStore
  const open = (options: { flush?: boolean } = {}) =>
    openDiskStore({ directory, publicUrl: 'http://localhost', signingKeys: [SIGNING_KEY], ...options })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mecapy-disk-'))
    outside = await mkdtemp(join(tmpdir(), 'mecapy-outside-'))
    store = await open()
  })
  afterEach(async () => {
    for (const folder of [directory, outside]) await rm(folder, { recursive: true, force: true })
  })

  const objects = (...names: string[]) => join(directory, 'objects', ...names)

  test('keeps an object under its own name, its content first, for its owner only', async () => {
    await store.put('tenants/a/result.json', '{"x":583.0}', text)
    const path = objects('tenants/a/result.json')
    expect(String(await readFile(path)).startsWith('{"x":583.0}\n')).toBe(true)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(objects('tenants/a'))).mode & 0o777).toBe(0o700)
  })

  test('has no empty folder left when its last object is deleted', async () => {
    await store.put('a/b/c/1', '1', text)
    await store.put('a/d', '2', text)
    await store.delete(['a/b/c/1'])
    expect(await readdir(objects('a'))).toEqual(['d'])
    await store.delete(['a/d'])
    expect(await readdir(objects())).toEqual([])
    await store.put('a/b/c/1', 'again', text)
    expect(String(await read(store, 'a/b/c/1'))).toBe('again')
  })

  test('objects arrive in a folder that is being emptied', async () => {
    const rounds = Array.from({ length: 100 }, (_, round) => round)
    await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        for (const round of rounds) {
          const key = `deep/${name}`
          expect(await store.put(key, `${round}`, text)).toMatchObject({ sizeBytes: `${round}`.length })
          expect(String(await read(store, key))).toBe(`${round}`)
          await store.delete([key])
        }
      }),
    )
    expect(await readdir(objects())).toEqual([])
  })

  test('holds an object or a folder under one name, never both', async () => {
    await store.put('a/b', 'x', text)
    await expect(store.put('a', 'x', text)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(store.put('a/b/c', 'x', text)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await readdir(join(directory, 'temporary'))).toEqual([])
    expect(String(await read(store, 'a/b'))).toBe('x')
  })

  test('is never left by a symbolic link to a file', async () => {
    await writeFile(join(outside, 'secret'), 'secret'.repeat(100))
    await mkdir(objects('a'))
    await symlink(join(outside, 'secret'), objects('a/link'))
    expect(await store.get('a/link')).toBeUndefined()
    expect(await store.head('a/link')).toBeUndefined()
    for await (const object of store.list('')) throw new Error(`listed ${object.key}`)
    await store.put('a/link', 'mine', text)
    expect(String(await readFile(join(outside, 'secret')))).toBe('secret'.repeat(100))
    expect(String(await read(store, 'a/link'))).toBe('mine')
  })

  test('is never left by a symbolic link to a folder', async () => {
    const other = await openDiskStore({
      directory: outside,
      publicUrl: 'http://localhost',
      signingKeys: [SIGNING_KEY],
    })
    await other.put('deep/secret', 'secret', text)
    await symlink(join(outside, 'objects'), objects('link'))
    expect(await store.get('link/deep/secret')).toBeUndefined()
    await expect(store.put('link/new', 'x', text)).rejects.toThrow()
    await expect(store.put('link/new/er', 'x', text)).rejects.toThrow()
    await store.delete(['link/deep/secret'])
    for (const prefix of ['', 'link/', 'link/deep/'])
      for await (const object of store.list(prefix)) throw new Error(`listed ${object.key}`)
    expect(await readdir(join(outside, 'objects'))).toEqual(['deep'])
    expect(String(await read(other, 'deep/secret'))).toBe('secret')
  })

  test('may itself be reached by a symbolic link', async () => {
    const link = join(outside, 'link')
    await symlink(directory, link)
    const linked = await openDiskStore({
      directory: link,
      publicUrl: 'http://localhost',
      signingKeys: [SIGNING_KEY],
    })
    await linked.put('a/b', 'x', text)
    expect(String(await read(store, 'a/b'))).toBe('x')
  })

  test('does not pass off a damaged file as an object', async () => {
    await store.put('a/b', 'content', text)
    await truncate(objects('a/b'), 100)
    await expect(store.get('a/b')).rejects.toThrow(/damaged/)
    await truncate(objects('a/b'), 300)
    await expect(store.head('a/b')).rejects.toThrow(/damaged/)
    await store.put('a/b', 'whole again', text)
    expect(String(await read(store, 'a/b'))).toBe('whole again')
  })

  test('goes on reading an object that is replaced or deleted meanwhile', async () => {
    const bytes = Buffer.alloc(1_000_000, 'a')
    await store.put('a/b', bytes, text)
    const first = await store.get('a/b')
    await store.put('a/b', Buffer.alloc(1_000_000, 'b'), text)
    const second = await store.get('a/b')
    await store.delete(['a/b'])
    expect(first && (await buffer(first.body)).equals(bytes)).toBe(true)
    expect(second && (await buffer(second.body)).every((byte) => byte === 98)).toBe(true)
  })

  test('closes every file that it opened', async () => {
    const countOpen = async () => (await readdir('/proc/self/fd')).length
    await store.put('a/long', Buffer.alloc(200_000), text)
    const before = await countOpen()
    for (let round = 0; round < 50; round++) {
      await store.put('a/b', 'x', text)
      await store.head('a/b')
      await read(store, 'a/b')
      await read(store, 'a/long')
      const body = (await store.get('a/long'))?.body.destroy()
      if (body && !body.closed) await once(body, 'close')
      await store.get('a')
      await store.get('absent/b')
      await store.put('a', 'x', text).catch(() => {})
      await store.delete(['a/b', 'a/absent', 'absent/b'])
    }
    expect(await countOpen()).toBeLessThanOrEqual(before + 1)
  })

  test('works without waiting for the disk when told to', async () => {
    store = await open({ flush: false })
    await store.put('a/b', 'x', text)
    await store.put('a/c', Buffer.alloc(200_000), text)
    expect(String(await read(store, 'a/b'))).toBe('x')
  })

  test('forgets what a process that was killed had begun to write, once it is a day old', async () => {
    const script = `
      import { Readable } from 'node:stream'
      import { openDiskStore } from ${JSON.stringify(join(import.meta.dirname, '../../shared/storage/disk.ts'))}
      const store = await openDiskStore({ directory: process.argv[1], publicUrl: 'http://localhost', signingKeys: ['${SIGNING_KEY}'] })
      async function* endless() { for (;;) { yield Buffer.alloc(1000); await new Promise((resolve) => setTimeout(resolve, 5)) } }
      await store.put('a/b', Readable.from(endless()), { contentType: 'text/plain' })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, directory], {
      stdio: 'inherit',
    })
    const temporary = join(directory, 'temporary')
    const [left] = await vi.waitFor(
      async () => {
        const names = await readdir(temporary)
        expect(names).toHaveLength(1)
        return names
      },
      { timeout: 10_000 },
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    const setAge = (seconds: number) => {
      const time = Date.now() / 1000 - seconds
      return utimes(join(temporary, left ?? ''), time, time)
    }

    expect(await store.head('a/b')).toBeUndefined()
    await setAge(23 * 3600)
    await open()
    expect(await readdir(temporary)).toEqual([left])
    await setAge(25 * 3600)
    await open()
    expect(await readdir(temporary)).toEqual([])
  })

  test('that has gone makes the store unready', async () => {
    await rm(directory, { recursive: true })
    await expect(store.check()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('two disk stores on one folder', () => {
  test('see each other’s objects', async () => {
    const first = await startDisk()
    try {
      const second = await openDiskStore({
        directory: first.directory,
        publicUrl: first.publicUrl,
        signingKeys: [SIGNING_KEY],
      })
      await second.put('a/b', 'x', text)
      expect(String(await read(first.store, 'a/b'))).toBe('x')
    } finally {
      await first.stop()
    }
  })
})

describe('the gateway’s route for objects', () => {
  let disk: Awaited<ReturnType<typeof startDisk>>
  beforeAll(async () => {
    disk = await startDisk({ uploadIdleTimeoutMs: 200 })
  })
  afterAll(() => disk.stop())

  const newObject = async (content: string, contentType = 'text/html') => {
    const key = `${newFolder()}page.html`
    await disk.store.put(key, content, { contentType })
    return { key, url: await disk.store.signedUrl(key, { method: 'GET', expiresSeconds: 60 }) }
  }

  test('serves a page of a user’s as nothing that a browser would show or run', async () => {
    const { url } = await newObject('<script>alert(1)</script>')
    const { headers } = await fetch(url)
    expect(headers.get('content-disposition')).toBe('attachment')
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox$/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('private, no-cache')
  })

  test('answers HEAD like GET, without the content', async () => {
    const { url } = await newObject('<p>')
    const [head, get] = [await fetch(url, { method: 'HEAD' }), await fetch(url)]
    expect(head.status).toBe(200)
    expect(await head.text()).toBe('')
    for (const name of ['content-length', 'content-type', 'etag', 'content-disposition'])
      expect(head.headers.get(name)).toBe(get.headers.get(name))
    await get.text()
  })

  test('answers 304 to whoever has the object already', async () => {
    const { key, url } = await newObject('<p>')
    const etag = (await fetch(url)).headers.get('etag') ?? ''
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const response = await fetch(url, { headers: { 'if-none-match': known } })
      expect([response.status, await response.text()]).toEqual([304, ''])
    }
    await disk.store.put(key, '<q>', text)
    expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(200)
  })

  test('continues a download of the same object only', async () => {
    const { key, url } = await newObject('0123456789')
    const etag = (await fetch(url)).headers.get('etag') ?? ''
    const resume = async () => {
      const response = await fetch(url, { headers: { range: 'bytes=5-', 'if-range': etag } })
      return [response.status, await response.text()]
    }
    expect(await resume()).toEqual([206, '56789'])
    await disk.store.put(key, 'abcdefghij', text)
    expect(await resume()).toEqual([200, 'abcdefghij'])
  })

  test('names the size of an object with a range that it has not', async () => {
    const { url } = await newObject('0123456789')
    const response = await fetch(url, { headers: { range: 'bytes=10-' } })
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */10'])
    const several = await fetch(url, { headers: { range: 'bytes=0-1,3-4' } })
    expect([several.status, await several.text()]).toEqual([200, '0123456789'])
  })

  test('streams a long object and any part of it', async () => {
    const bytes = Buffer.from(Array.from({ length: 2_000_000 }, (_, index) => index % 251))
    const key = `${newFolder()}long`
    await disk.store.put(key, bytes, text)
    const url = await disk.store.signedUrl(key, { method: 'GET', expiresSeconds: 60 })
    expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(bytes)).toBe(true)
    const part = await fetch(url, { headers: { range: 'bytes=500000-1500000' } })
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(500_000, 1_500_001))).toBe(true)
  })

  test('lets go of an object whose reader leaves', async () => {
    const key = `${newFolder()}long`
    await disk.store.put(key, Buffer.alloc(20_000_000), text)
    const url = await disk.store.signedUrl(key, { method: 'GET', expiresSeconds: 60 })
    const countOpen = async () => (await readdir('/proc/self/fd')).length
    const before = await countOpen()
    for (let round = 0; round < 20; round++) {
      const response = await fetch(url)
      await response.body?.cancel()
    }
    await vi.waitFor(async () => expect(await countOpen()).toBeLessThan(before + 10), { timeout: 5_000 })
  })

  test('says why it refuses', async () => {
    const { url } = await newObject('x')
    const response = await fetch(url.replace('method=GET', 'method=PUT'))
    expect(response.status).toBe(403)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({
      code: 'PERMISSION_DENIED',
      detail: expect.stringContaining('link'),
    })
  })

  test('refuses every parameter that is doubled, and any more', async () => {
    const { url } = await newObject('x')
    for (const [name, value] of [...new URL(url).searchParams, ['size', '1'], ['sha256', 'x'], ['x', '']]) {
      const more = new URL(url)
      more.searchParams.append(name ?? '', value ?? '')
      expect([name, (await fetch(more)).status]).toEqual([name, 403])
    }
  })

  test('answers a refused upload of any length', async () => {
    const url = new URL(
      await disk.store.signedUrl(`${newFolder()}a`, {
        method: 'PUT',
        expiresSeconds: 60,
        sizeBytes: 9,
        ...text,
      }),
    )
    const send = () =>
      fetch(url, { method: 'PUT', body: Buffer.alloc(8_000_000), headers: { 'content-type': 'text/plain' } })
    expect((await send()).status).toBe(400)
    url.searchParams.set('size', '8000000')
    expect((await send()).status).toBe(403)
  })

  test('gives up an upload that stands still, and keeps nothing', async () => {
    const key = `${newFolder()}a`
    const url = await disk.store.signedUrl(key, {
      method: 'PUT',
      expiresSeconds: 60,
      sizeBytes: 1000,
      ...text,
    })
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(500)) })
    const init = {
      method: 'PUT',
      body,
      headers: { ...{ 'content-type': 'text/plain', 'content-length': '1000' } },
      duplex: 'half',
    }
    const response = await fetch(url, init as RequestInit)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      detail: expect.stringContaining('Nothing arrived for 0.2 s'),
    })
    expect(await disk.store.head(key)).toBeUndefined()
    expect(await disk.listLeftovers()).toEqual([])
  })
})
