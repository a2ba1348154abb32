/**
 * What every object store keeps to, whichever it is; `disk.test.ts` and `s3.peers.test.ts` run it.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createId } from '../../shared/id.ts'
import {
  type ListedObject,
  type ObjectStore,
  tenantPrefix,
  verifyUpload,
} from '../../shared/storage/index.ts'
import { describeSignedUrls } from './signed-url-contract.ts'

export type StoreFixture = {
  store: ObjectStore
  /** What writes that were given up have left behind: temporary files, parts. */
  listLeftovers(): Promise<string[]>
  stop(): Promise<void>
}

const MIB = 1024 * 1024
const text = { contentType: 'text/plain' }

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A folder of its own for each test, as a tenant has it. */
export const newFolder = (): string => tenantPrefix(createId())

export const read = async (store: ObjectStore, key: string, range?: { start: number; end?: number }) => {
  const object = await store.get(key, range)
  return object && (await buffer(object.body))
}

const list = async (store: ObjectStore, prefix: string) => {
  const objects: ListedObject[] = []
  for await (const object of store.list(prefix)) objects.push(object)
  return objects
}

const listKeys = async (store: ObjectStore, prefix: string) =>
  (await list(store, prefix)).map(({ key }) => key)

const streamOf = (bytes: Uint8Array, chunkBytes = 100_000) =>
  Readable.from(
    (function* () {
      for (let start = 0; start < bytes.length; start += chunkBytes)
        yield bytes.subarray(start, start + chunkBytes)
    })(),
  )

const failingAfter = (sizeBytes: number) =>
  Readable.from(
    (function* () {
      for (let sent = 0; sent < sizeBytes; sent += MIB / 4) yield Buffer.alloc(MIB / 4)
      throw new Error('the source broke')
    })(),
  )

export const describeObjectStore = (name: string, start: () => Promise<StoreFixture>) => {
  describe(`the object store on ${name}`, () => {
    let fixture: StoreFixture
    let store: ObjectStore

    beforeAll(async () => {
      fixture = await start()
      store = fixture.store
    })
    afterAll(() => fixture.stop())

    test.each([0, 1, 1024, 65_535, 65_536, 65_537, MIB, 16 * MIB, 16 * MIB + 1])(
      'gives back %i bytes as they were, from memory and from a stream',
      async (sizeBytes) => {
        const bytes = randomBytes(sizeBytes)
        const folder = newFolder()
        for (const [key, body] of [
          [`${folder}bytes`, bytes],
          [`${folder}stream`, streamOf(bytes)],
        ] as const) {
          expect(await store.put(key, body, text)).toEqual({ sizeBytes, sha256: sha256(bytes) })
          expect(await store.head(key)).toMatchObject({ key, sizeBytes, contentType: 'text/plain' })
          expect((await read(store, key))?.equals(bytes)).toBe(true)
        }
      },
    )

    test('gives back text as UTF-8, from memory and from a stream of text', async () => {
      const folder = newFolder()
      await store.put(`${folder}text`, 'σ = 583.0 N/mm²', text)
      await store.put(`${folder}stream`, Readable.from(['σ = ', '583.0', ' N/mm²']), text)
      for (const key of [`${folder}text`, `${folder}stream`])
        expect(String(await read(store, key))).toBe('σ = 583.0 N/mm²')
    })

    test('keeps the content type to the letter, and refuses what is none', async () => {
      const key = `${newFolder()}a`
      for (const contentType of ['text/csv; charset=utf-8', 'application/vnd.foo+json', 'text/html']) {
        await store.put(key, 'x', { contentType })
        expect(await store.head(key)).toMatchObject({ contentType })
      }
      for (const contentType of ['', 'text', 'text/plain\r\nx: y', 'text/plaïn', `text/${'x'.repeat(123)}`]) {
        await expect(async () => store.put(key, 'x', { contentType })).rejects.toMatchObject({
          code: 'INVALID',
        })
      }
      await store.put(key, 'x', { contentType: `text/${'x'.repeat(122)}` })
    })

    test('changes the etag with the content', async () => {
      const key = `${newFolder()}a`
      await store.put(key, 'one', text)
      const one = await store.head(key)
      await store.put(key, 'two', text)
      const two = await store.head(key)
      expect(one?.etag).toMatch(/^[\w-]+$/)
      expect(two?.etag).not.toBe(one?.etag)
      expect(await store.get(key).then((object) => object?.body.destroy() && object.etag)).toBe(two?.etag)
    })

    test('replaces an object with its type', async () => {
      const key = `${newFolder()}a`
      await store.put(key, 'a longer text', text)
      await store.put(key, '{}', { contentType: 'application/json' })
      expect(await store.head(key)).toMatchObject({ sizeBytes: 2, contentType: 'application/json' })
      expect(String(await read(store, key))).toBe('{}')
    })

    test('says of an absent object that it is not there, and deletes it gladly', async () => {
      const key = `${newFolder()}deep/er/absent`
      expect(await store.head(key)).toBeUndefined()
      expect(await store.get(key)).toBeUndefined()
      expect(await store.get(key, { start: 3 })).toBeUndefined()
      await store.delete([key])
      await store.delete([])
      expect(await store.get(`${key}/below`)).toBeUndefined()
    })

    test('takes a folder for no object', async () => {
      const folder = newFolder()
      await store.put(`${folder}a/b`, 'x', text)
      expect(await store.head(`${folder}a`)).toBeUndefined()
      expect(await store.get(`${folder}a`)).toBeUndefined()
      await store.delete([`${folder}a`])
      expect(await listKeys(store, folder)).toEqual([`${folder}a/b`])
    })

    test('deletes objects, and only those', async () => {
      const folder = newFolder()
      for (const name of ['a', 'b', 'c/d', 'c/e']) await store.put(folder + name, name, text)
      await store.delete([`${folder}a`, `${folder}c/d`, `${folder}absent`])
      expect(await listKeys(store, folder)).toEqual([`${folder}b`, `${folder}c/e`])
      expect(await store.head(`${folder}a`)).toBeUndefined()
    })

    test.each([
      ['in memory', (bytes: Buffer) => bytes],
      ['from a stream', (bytes: Buffer) => streamOf(bytes, 400)],
    ])('takes a body %s up to maxBytes and not one byte more', async (_, body) => {
      const folder = newFolder()
      const options = { ...text, maxBytes: 1000 }
      await store.put(`${folder}fits`, body(Buffer.alloc(1000)), options)
      await store.put(`${folder}kept`, 'as it was', text)
      for (const key of [`${folder}new`, `${folder}kept`]) {
        await expect(store.put(key, body(Buffer.alloc(1001)), options)).rejects.toMatchObject({
          code: 'TOO_LARGE',
        })
      }
      expect(await listKeys(store, folder)).toEqual([`${folder}fits`, `${folder}kept`])
      expect(String(await read(store, `${folder}kept`))).toBe('as it was')
      expect(await fixture.listLeftovers()).toEqual([])
    })

    test.each([0, 1, 20])('keeps nothing of a body that breaks after %i MiB', async (mebibytes) => {
      const folder = newFolder()
      await expect(store.put(`${folder}a`, failingAfter(mebibytes * MIB), text)).rejects.toThrow(
        'the source broke',
      )
      expect(await listKeys(store, folder)).toEqual([])
      expect(await fixture.listLeftovers()).toEqual([])
    })

    test('keeps nothing of 40 MiB where 17 are allowed, and reads no more than it must', async () => {
      const folder = newFolder()
      const body = failingAfter(40 * MIB)
      await expect(store.put(`${folder}a`, body, { ...text, maxBytes: 17 * MIB })).rejects.toMatchObject({
        code: 'TOO_LARGE',
      })
      expect(body.destroyed).toBe(true)
      expect(await listKeys(store, folder)).toEqual([])
      expect(await fixture.listLeftovers()).toEqual([])
    })

    test('keeps 20 MiB in parts as one object', async () => {
      const key = `${newFolder()}mesh.bin`
      const bytes = randomBytes(20 * MIB)
      expect(await store.put(key, streamOf(bytes, 777_777), { ...text, maxBytes: 20 * MIB })).toEqual({
        sizeBytes: 20 * MIB,
        sha256: sha256(bytes),
      })
      expect((await read(store, key))?.equals(bytes)).toBe(true)
      const range = { start: 16 * MIB - 3, end: 16 * MIB + 3 }
      expect(await read(store, key, range)).toEqual(bytes.subarray(range.start, range.end + 1))
      expect(await fixture.listLeftovers()).toEqual([])
    })

    test('reads any range of an object like a slice of it', async () => {
      const key = `${newFolder()}a`
      const bytes = randomBytes(100)
      await store.put(key, bytes, text)
      await fc.assert(
        fc.asyncProperty(fc.nat(110), fc.option(fc.nat(110), { nil: undefined }), async (start, length) => {
          const end = length === undefined ? undefined : start + length
          const object = await store.get(key, { start, ...(end !== undefined && { end }) })
          expect(object?.sizeBytes).toBe(100)
          expect(object && (await buffer(object.body))).toEqual(
            bytes.subarray(start, end === undefined ? undefined : end + 1),
          )
        }),
        { numRuns: 60 },
      )
    })

    test('reads long ranges at the edges of a long object', async () => {
      const key = `${newFolder()}a`
      const bytes = randomBytes(300_000)
      await store.put(key, bytes, text)
      for (const [start, end] of [
        [0, undefined],
        [0, 299_999],
        [1, 1_000_000],
        [299_999, undefined],
        [100_000, 165_535],
        [100_000, 165_536],
      ] as const) {
        const read_ = await read(store, key, { start, ...(end !== undefined && { end }) })
        expect(read_?.equals(bytes.subarray(start, end === undefined ? undefined : end + 1))).toBe(true)
      }
      for (const start of [300_000, 400_000]) expect(await read(store, key, { start })).toHaveLength(0)
    })

    test('reads nothing of an empty object', async () => {
      const key = `${newFolder()}empty`
      await store.put(key, '', text)
      expect(await read(store, key, { start: 0 })).toHaveLength(0)
      expect(await read(store, key, { start: 0, end: 5 })).toHaveLength(0)
    })

    test('refuses a range that no object can have', async () => {
      const key = `${newFolder()}a`
      await store.put(key, 'abc', text)
      for (const range of [
        { start: -1 },
        { start: 2, end: 1 },
        { start: 0.5 },
        { start: 0, end: Number.NaN },
      ]) {
        await expect(async () => store.get(key, range)).rejects.toMatchObject({ code: 'INVALID' })
      }
    })

    test('lists a folder in the order of the bytes of its keys, and no neighbour', async () => {
      const folder = newFolder()
      const names = [
        'B',
        'a',
        'a-b',
        'a.b',
        'a/b',
        'a/c/d',
        'a0',
        'b',
        'é',
        '\uffee',
        '🔩',
        'zz/1',
        'zz/10',
        'zz/2',
      ]
      // One server cannot hold `a` beside `a/b`: by construction, no file is ever called like a folder.
      const held = names.filter((name) => name !== 'a')
      for (const name of [...held].reverse()) await store.put(folder + name, name, text)
      await store.put(`${folder.slice(0, -1)}0/neighbour`, 'x', text)
      const objects = await list(store, folder)
      const byBytes = [...held].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
      expect(objects.map(({ key }) => key.slice(folder.length))).toEqual(byBytes)
      expect(objects.map(({ sizeBytes }) => sizeBytes)).toEqual(
        byBytes.map((name) => Buffer.byteLength(name)),
      )
      expect(await listKeys(store, `${folder}zz/`)).toEqual(
        ['1', '10', '2'].map((name) => `${folder}zz/${name}`),
      )
      expect(await listKeys(store, `${folder}absent/`)).toEqual([])
      await expect(listKeys(store, `${folder}z`)).rejects.toMatchObject({ code: 'INVALID' })
    })

    test('lists and deletes more than a page of 1,000 objects', async () => {
      const folder = newFolder()
      const keys = Array.from({ length: 1_005 }, (_, index) => `${folder}${String(index).padStart(4, '0')}`)
      for (let start = 0; start < keys.length; start += 50)
        await Promise.all(keys.slice(start, start + 50).map((key) => store.put(key, key, text)))
      expect(await listKeys(store, folder)).toEqual(keys)
      await store.delete(keys)
      expect(await listKeys(store, folder)).toEqual([])
    })

    test('can be emptied while it is listed', async () => {
      const folder = newFolder()
      for (const name of ['a/1', 'a/2', 'b/c/3', 'd']) await store.put(folder + name, name, text)
      for await (const { key } of store.list(folder)) await store.delete([key])
      expect(await listKeys(store, folder)).toEqual([])
    })

    test.each([
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      'a\\b',
      'a\0b',
      'a\nb',
      `${'x'.repeat(256)}`,
      'a/'.repeat(600),
      '\ud800',
    ])('refuses the key %j everywhere', async (key) => {
      const refused = { code: 'INVALID' }
      await expect(async () => store.put(key, 'x', text)).rejects.toMatchObject(refused)
      await expect(async () => store.get(key)).rejects.toMatchObject(refused)
      await expect(async () => store.head(key)).rejects.toMatchObject(refused)
      await expect(async () => store.delete([key])).rejects.toMatchObject(refused)
      await expect(async () =>
        store.signedUrl(key, { method: 'GET', expiresSeconds: 60 }),
      ).rejects.toMatchObject(refused)
    })

    test.each([
      'with space.csv',
      'é à ü.csv',
      '応力図.png',
      '🔩 M12×1,75 (8.8) [50 %] #3 & "+" \'?\'.txt',
      '%2e%2e',
      '...a',
      'x'.repeat(255),
    ])('keeps the name %j', async (name) => {
      const folder = newFolder()
      await store.put(folder + name, name, text)
      expect(String(await read(store, folder + name))).toBe(name)
      expect(await listKeys(store, folder)).toEqual([folder + name])
      const url = await store.signedUrl(folder + name, { method: 'GET', expiresSeconds: 60 })
      expect(await (await fetch(url)).text()).toBe(name)
      await store.delete([folder + name])
      expect(await listKeys(store, folder)).toEqual([])
    })

    test('two names that differ in case are two objects', async () => {
      const folder = newFolder()
      await store.put(`${folder}Mesh.inp`, 'upper', text)
      await store.put(`${folder}mesh.inp`, 'lower', text)
      expect(String(await read(store, `${folder}Mesh.inp`))).toBe('upper')
      expect(await listKeys(store, folder)).toHaveLength(2)
    })

    test('of writes to one key at once, one wins whole, and no reader ever sees a mixture', async () => {
      const key = `${newFolder()}contested`
      const bodies = Array.from({ length: 8 }, (_, index) => Buffer.alloc(200_000, 97 + index))
      const hashes = new Set(bodies.map(sha256))
      await store.put(key, bodies[0] ?? '', text)
      let writing = true
      const reader = async () => {
        while (writing) expect(hashes).toContain(sha256((await read(store, key)) ?? Buffer.alloc(0)))
      }
      const reading = Promise.all([reader(), reader()])
      await Promise.all(bodies.map((body) => store.put(key, streamOf(body, 10_000), text)))
      writing = false
      await reading
      expect(hashes).toContain(sha256((await read(store, key)) ?? Buffer.alloc(0)))
      expect(await fixture.listLeftovers()).toEqual([])
    })

    test('goes on when a body is left unread', async () => {
      const key = `${newFolder()}a`
      await store.put(key, randomBytes(5 * MIB), text)
      for (let round = 0; round < 60; round++) (await store.get(key))?.body.destroy()
      expect(await read(store, key)).toHaveLength(5 * MIB)
    })

    test('lets go of a body that it refuses', async () => {
      for (const [key, options] of [
        ['../a', text],
        [`${newFolder()}a`, { contentType: 'none' }],
        [`${newFolder()}a`, { ...text, maxBytes: 10 }],
      ] as const) {
        const body = failingAfter(MIB)
        await expect(store.put(key, body, options)).rejects.toThrow()
        expect(body.destroyed).toBe(true)
      }
    })

    test('is ready', async () => {
      await expect(store.check()).resolves.toBeUndefined()
    })

    describe('an upload', () => {
      const bytes = randomBytes(100_000)
      const announced = { sizeBytes: bytes.length, sha256: sha256(bytes) }

      test('is what was announced', async () => {
        const key = `${newFolder()}a`
        await store.put(key, bytes, text)
        expect(await verifyUpload(store, key, announced)).toMatchObject({ key, sizeBytes: bytes.length })
      })

      test('is not there yet', async () => {
        await expect(verifyUpload(store, `${newFolder()}a`, announced)).rejects.toMatchObject({
          code: 'NOT_FOUND',
        })
      })

      test('has another length or another content', async () => {
        const key = `${newFolder()}a`
        for (const other of [bytes.subarray(1), randomBytes(bytes.length)]) {
          await store.put(key, other, text)
          await expect(verifyUpload(store, key, announced)).rejects.toMatchObject({ code: 'INVALID' })
        }
      })
    })

    describeSignedUrls(() => fixture)
  })
}
