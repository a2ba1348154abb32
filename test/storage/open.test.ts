import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../shared/storage/index.ts'

const options = {
  publicUrl: 'http://localhost:8000',
  signingKeys: ['a signing key of the tests, long enough'],
  credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
}

test.each(['', '?flush=off'])('a file URL%s opens a folder, spaces and all', async (query) => {
  const directory = await mkdtemp(join(tmpdir(), 'mecapy disk-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const store = await openStore(`file://${directory.replaceAll(' ', '%20')}${query}`, options)
  await store.put('a/b', 'x', { contentType: 'text/plain' })
  expect(store.verifySignedUrl).toBeDefined()
  const other = await openStore(`file://${directory.replaceAll(' ', '%20')}`, options)
  expect(await other.head('a/b')).toMatchObject({ sizeBytes: 1 })
})

test('an s3 URL opens a bucket, which serves its own signed URLs', async () => {
  const store = await openStore('s3://bucket?region=fr-par&endpoint=https://s3.fr-par.scw.cloud', options)
  const url = await store.signedUrl('a/b', { method: 'GET', expiresSeconds: 60 })
  expect(new URL(url).host).toBe('bucket.s3.fr-par.scw.cloud')
  expect(store.verifySignedUrl).toBeUndefined()
  await store.close()
})

test('an s3 URL may ask for the bucket in the path', async () => {
  const store = await openStore(
    's3://bucket?region=x&endpoint=http://localhost:9000&path_style=true',
    options,
  )
  const url = new URL(await store.signedUrl('a/b', { method: 'GET', expiresSeconds: 60 }))
  expect(url.host + url.pathname).toBe('localhost:9000/bucket/a/b')
  await store.close()
})

test.each([
  'nonsense',
  'http://host/folder',
  'file:relative',
  'file://host/folder',
  'file:///folder?flsh=off',
  'file:///folder?flush=maybe',
  's3://bucket',
  's3://?region=x',
  's3://bucket/folder?region=x',
  's3://bucket?region=x&endpoint=ftp://host',
  's3://bucket?region=x&path_style=1',
  's3://bucket?region=x&secret=y',
])('%j is refused', async (url) => {
  await expect(openStore(url, options)).rejects.toMatchObject({ code: 'MISCONFIGURED' })
})

test('credentials in a URL are refused and not repeated', async () => {
  const refused = openStore('s3://key:hunter2@bucket?region=x', options)
  await expect(refused).rejects.toMatchObject({
    code: 'MISCONFIGURED',
    message: expect.not.stringContaining('hunter2'),
  })
})

test('S3 without credentials is refused', async () => {
  const { credentials: _, ...rest } = options
  await expect(openStore('s3://bucket?region=x', rest)).rejects.toMatchObject({ code: 'MISCONFIGURED' })
})
