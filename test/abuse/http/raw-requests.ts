import { describe, expect, it } from 'vitest'
import { expectRefused } from './refusal.ts'
import type { Site } from './site.ts'

/** What a second request inside of the first one would be answered with. */
const SMUGGLED = 'GET /openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'

const TRAVERSALS = [
  '/../../../../etc/passwd',
  '/docs/../../../../etc/passwd',
  '/docs/%2e%2e/%2e%2e/package.json',
  '/docs/..%2f..%2f..%2fetc%2fpasswd',
  '/docs/..\\..\\package.json',
  '/docs/%252e%252e%252fpackage.json',
  '/docs/%c0%ae%c0%ae/package.json',
  '/docs/swagger-ui.css%00.js',
  '/objects/../../url-signing-key',
  '/objects/..%2f..%2furl-signing-key',
  '//etc/passwd',
  '/tasks/..%2fadmin%2flanes',
  '/%2e%2e/issuer-key.json',
  'file:///etc/passwd',
]

const head = (lines: string[]) => `${['POST /tasks HTTP/1.1', 'host: x', ...lines].join('\r\n')}\r\n\r\n`

const SMUGGLERS: Record<string, string> = {
  'a length and chunks': `${head(['content-length: 6', 'transfer-encoding: chunked'])}0\r\n\r\n${SMUGGLED}`,
  'chunks and a length': `${head(['transfer-encoding: chunked', 'content-length: 6'])}0\r\n\r\n${SMUGGLED}`,
  'two lengths': `${head(['content-length: 0', 'content-length: 60'])}${SMUGGLED}`,
  'a list of lengths': `${head(['content-length: 0, 60'])}${SMUGGLED}`,
  'a length with a sign': `${head(['content-length: +0'])}${SMUGGLED}`,
  'a negative length': `${head(['content-length: -1'])}${SMUGGLED}`,
  'a length in another notation': `${head(['content-length: 0x0'])}${SMUGGLED}`,
  'an encoding of another name': `${head(['transfer-encoding: xchunked'])}0\r\n\r\n${SMUGGLED}`,
  'an encoding twice': `${head(['transfer-encoding: identity', 'transfer-encoding: chunked'])}x\r\n\r\n${SMUGGLED}`,
  'an encoding behind a space': `${head(['transfer-encoding : chunked'])}0\r\n\r\n${SMUGGLED}`,
  'a folded header': `${head(['x: y', ' transfer-encoding: chunked'])}0\r\n\r\n${SMUGGLED}`,
  'a bare line feed': `POST /tasks HTTP/1.1\nhost: x\n\n${SMUGGLED}`,
  'a bare carriage return': `POST /tasks HTTP/1.1\r\nhost: x\rcontent-length: 0\r\n\r\n${SMUGGLED}`,
  'a NUL in a header': `${head(['x: a\u0000b', 'content-length: 0'])}${SMUGGLED}`,
  'two hosts': `${head(['host: y', 'content-length: 0'])}`,
  'no host': `GET /tasks HTTP/1.1\r\n\r\n`,
  'chunks of a size beyond any number': `${head(['transfer-encoding: chunked'])}ffffffffffffffffff\r\n${SMUGGLED}`,
  'a chunk without its end': `${head(['transfer-encoding: chunked'])}1\r\nxSMUGGLED\r\n0\r\n\r\n${SMUGGLED}`,
  'a method of its own': `GET\t/ HTTP/1.1\r\nhost: x\r\n\r\n`,
  'another protocol': `GET / HTTP/3.7\r\nhost: x\r\n\r\n`,
  'a head of a hundred kilobytes': head([`x: ${'y'.repeat(100_000)}`]),
  'ten thousand headers': head(Array.from({ length: 10_000 }, (_, number) => `x${number}: y`)),
}

/** Requests that no client library sends. */
export const describeRawRequests = (site: () => Site) => {
  describe('a path', () => {
    it.each(TRAVERSALS)('%s leads nowhere', async (path) => {
      const answer = await site().sendRaw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
      expectRefused(answer, 400, 401, 403, 404)
      expect(answer.text).not.toMatch(/root:x:0|"dependencies"|"kty"/)
    })
  })

  describe('a request with', () => {
    it.each(Object.entries(SMUGGLERS))('%s carries no second one', async (_, bytes) => {
      const { status, text } = await site().sendRaw(bytes)
      expect([0, 400, 401, 408, 411, 413, 431, 501]).toContain(status)
      expect(text).not.toContain('"openapi"')
    })
  })
}
