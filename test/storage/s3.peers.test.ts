import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, uploadHeaders } from '../../shared/storage/index.ts'
import { openS3Store } from '../../shared/storage/s3.ts'
import { type S3Server, startS3Server } from '../services/s3.ts'
import { describeObjectStore, newFolder } from './contract.ts'

const text = { contentType: 'text/plain' }

let server: S3Server
beforeAll(async () => {
  server = await startS3Server()
})
afterAll(() => server.stop())

describeObjectStore('S3', async () => {
  const { bucket, endpoint, region, credentials } = server
  const query = new URLSearchParams({ region, endpoint, path_style: 'true' })
  const store = await openStore(`s3://${bucket}?${query}`, { publicUrl: '', signingKeys: [], credentials })
  return {
    store,
    listLeftovers: async () => {
      const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
      return Uploads.map(({ Key = '' }) => Key)
    },
    stop: () => store.close(),
  }
})

describe('the object store on S3, when it is refused', () => {
  test.each([
    ['a bucket that is not there', { bucket: 'absent' }],
    ['another secret', { credentials: { accessKeyId: 'test-access-key', secretAccessKey: 'hunter2' } }],
  ])('is unready with %s, and says no secret', async (_, change) => {
    const store = openS3Store({ ...server, forcePathStyle: true, ...change })
    const unavailable = { code: 'UNAVAILABLE', message: expect.not.stringContaining('hunter2') }
    await expect(store.check()).rejects.toMatchObject(unavailable)
    await expect(store.get(`${newFolder()}a`)).rejects.toMatchObject(unavailable)
    await expect(store.put(`${newFolder()}a`, 'x', text)).rejects.toMatchObject(unavailable)
    await expect(store.delete([`${newFolder()}a`])).rejects.toMatchObject(unavailable)
    await store.close()
  })
})

describe('a signed URL of S3', () => {
  test('to put is refused without the checksum it was signed with', async () => {
    const store = openS3Store({ ...server, forcePathStyle: true })
    const key = `${newFolder()}a`
    const terms = {
      contentType: 'text/plain',
      sizeBytes: 1,
      sha256: '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
    }
    const url = await store.signedUrl(key, { method: 'PUT', expiresSeconds: 60, ...terms })
    expect(
      (await fetch(url, { method: 'PUT', body: 'x', headers: text && { 'content-type': 'text/plain' } }))
        .status,
    ).toBe(403)
    expect(await store.head(key)).toBeUndefined()
    expect((await fetch(url, { method: 'PUT', body: 'x', headers: uploadHeaders(terms) })).status).toBe(200)
    await store.close()
  })
})
