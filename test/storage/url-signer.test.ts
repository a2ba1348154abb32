import { expect, test } from 'vitest'
import type { SignedUrlOptions } from '../../shared/storage/index.ts'
import { createUrlSigner } from '../../shared/storage/url-signer.ts'

const oldKey = 'the signing key of last year, retired'
const newKey = 'the signing key of this year, in charge'
const get: SignedUrlOptions = { method: 'GET', expiresSeconds: 900 }
const publicUrl = 'https://mecapy.example/api'
const denied = expect.objectContaining({ code: 'PERMISSION_DENIED' })

const createSigner = (signingKeys: string[], now?: () => number) =>
  createUrlSigner({ publicUrl, signingKeys, ...(now && { now }) })

const follow = ({ verify }: ReturnType<typeof createUrlSigner>, url: string, method = 'GET') => {
  // A proxy takes the prefix of the public URL away.
  const { pathname, searchParams } = new URL(url.replace(publicUrl, 'http://gateway'))
  return verify(method, pathname, searchParams)
}

test('a link says what it allows, below the public URL', () => {
  const signer = createSigner([newKey])
  const url = signer.sign('a/b c.csv', { ...get, filename: 'x.csv' })
  expect(url.startsWith('https://mecapy.example/api/objects/a/b%20c.csv?method=GET&')).toBe(true)
  expect(follow(signer, url)).toEqual({ method: 'GET', key: 'a/b c.csv', filename: 'x.csv' })
})

test('links of the old key are good while it is listed, and worthless after', () => {
  const url = createSigner([oldKey]).sign('a', get)
  expect(follow(createSigner([newKey, oldKey]), url)).toMatchObject({ key: 'a' })
  expect(() => follow(createSigner([newKey]), url)).toThrow(denied)
})

test('the newest key signs', () => {
  const url = createSigner([newKey, oldKey]).sign('a', get)
  expect(follow(createSigner([newKey]), url)).toMatchObject({ key: 'a' })
  expect(() => follow(createSigner([oldKey]), url)).toThrow(denied)
})

test('a link is good until its last millisecond', () => {
  let time = 1_800_000_000_000
  const signer = createSigner([newKey], () => time)
  const url = signer.sign('a', get)
  time += 899_999
  expect(follow(signer, url)).toMatchObject({ key: 'a' })
  time += 1
  expect(() => follow(signer, url)).toThrow(/expired/)
})

test('a link to put is not one to get, though its parameters were', () => {
  const signer = createSigner([newKey])
  const put = { method: 'PUT', expiresSeconds: 60, contentType: 'text/csv', sizeBytes: 3 } as const
  const url = signer.sign('a', put)
  expect(follow(signer, url, 'PUT')).toEqual({
    method: 'PUT',
    key: 'a',
    contentType: 'text/csv',
    sizeBytes: 3,
  })
  for (const method of ['GET', 'HEAD', 'put', 'POST'])
    expect(() => follow(signer, url, method)).toThrow(denied)
  expect(() => follow(signer, url.replace('method=PUT', 'method=GET'))).toThrow(denied)
})

test.each([
  ['GET', { method: 'GET', expiresSeconds: 60, filename: 'x.csv' }],
  [
    'PUT',
    { method: 'PUT', expiresSeconds: 60, contentType: 'text/csv', sizeBytes: 3, sha256: 'a'.repeat(64) },
  ],
] as const)('every part of a link to %s is bound by its signature', (method, options) => {
  const signer = createSigner([newKey])
  const url = signer.sign('a/b', options)
  const others = {
    method: method === 'GET' ? 'PUT' : 'GET',
    expires: '1900000000000',
    filename: 'y.csv',
    type: 'text/html',
    size: '4',
    sha256: 'b'.repeat(64),
    signature: 'a'.repeat(43),
  }
  const names = [...new URL(url).searchParams.keys()]
  expect(names).toHaveLength(method === 'GET' ? 4 : 6)
  for (const [name, value] of Object.entries(others)) {
    const tampered = new URL(url)
    tampered.searchParams.set(name, value)
    expect(() => follow(signer, tampered.href, method)).toThrow(denied)
  }
  expect(() => follow(signer, url.replace('/a/b?', '/a/c?'), method)).toThrow(denied)
  expect(follow(signer, url, method)).toMatchObject({ key: 'a/b' })
})

test.each([[[]], [['too short']], [[newKey, 'too short']]])(
  'the signing keys %j are refused',
  (signingKeys) => {
    expect(() => createSigner(signingKeys)).toThrow(expect.objectContaining({ code: 'MISCONFIGURED' }))
  },
)
