import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { expectRefused, expectSound } from './refusal.ts'
import type { Site } from './site.ts'

const TASK = { code: 'def main(**_): pass', handler: 'main' }
const withInputs = (json: string) => `${JSON.stringify(TASK).slice(0, -1)},"inputs":${json}}`

const BODIES: Record<string, [body: string, ...statuses: number[]]> = {
  'of ten megabytes': [JSON.stringify({ ...TASK, name: 'x'.repeat(10_000_000) }), 413],
  'of a hundred thousand brackets': [withInputs(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), 400],
  'of brackets that never close': ['['.repeat(1_000_000), 400],
  'of a million commas': [`[${','.repeat(1_000_000)}]`, 400],
  'with a name given twice': [withInputs('{"a":1,"a":2}'), 400],
  'with its own name given twice': [`{"handler":"main",${JSON.stringify(TASK).slice(1)}`, 400],
  'with a number beyond a double': [withInputs('{"a":1e999}'), 400],
  'with NaN': [withInputs('{"a":NaN}'), 400],
  'with a comment': [withInputs('{/* x */}'), 400],
  'with a control character in a text': [withInputs('{"a":"\u0001"}'), 400],
  'that is a list': ['[]', 400, 422],
  'that is null': ['null', 400, 422],
  'that is nothing': ['', 400, 422],
  'with members that nobody asked for': [
    JSON.stringify({ ...TASK, tenant_id: 'acme', user_id: 'root' }),
    422,
  ],
  'that names a status': [JSON.stringify({ ...TASK, status: 'completed', result: {} }), 422],
  'that asks for no limit': [JSON.stringify({ ...TASK, timeout_seconds: 0 }), 422],
  'that asks for more than there is': [
    JSON.stringify({ ...TASK, resources: { cpu: 1e9, memory_mb: 1e12 } }),
    422,
  ],
  'that asks for less than nothing': [
    JSON.stringify({ ...TASK, resources: { cpu: -1, memory_mb: -1 } }),
    422,
  ],
  'that asks for a thousand attempts': [JSON.stringify({ ...TASK, retry: { max_attempts: 1_000 } }), 422],
}

const TAKEN: Record<string, string> = {
  'with a mark of byte order': `\ufeff${JSON.stringify(TASK)}`,
  'that reaches for the prototype': withInputs(
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}',
  ),
  'whose code is text in every script': JSON.stringify({
    ...TASK,
    name: '\u202e漢字 \u0000 \ud83d\ude00 \ud800',
  }),
  'whose labels are hostile': JSON.stringify({ ...TASK, labels: { __proto__: 'x', constructor: '\u0000' } }),
  'whose label is a zero byte': JSON.stringify({ ...TASK, labels: { a: '\u0000' } }),
  'whose name is a zero byte': JSON.stringify({ ...TASK, name: '\u0000' }),
  'whose name is half a character': JSON.stringify({ ...TASK, name: '\ud800' }),
  'whose input names are hostile': withInputs('{"\\u0000":1,"\\ud800":2,"":3}'),
}

const chunked = (parts: (string | Uint8Array)[]) =>
  Buffer.concat([
    ...parts.map((part) =>
      Buffer.concat([
        Buffer.from(`${Buffer.byteLength(part).toString(16)}\r\n`),
        Buffer.from(part),
        Buffer.from('\r\n'),
      ]),
    ),
    Buffer.from('0\r\n\r\n'),
  ])

/** Bodies too large, too deep, too slow, or not what they say. */
export const describeBodies = (site: () => Site) => {
  const post = (body: string, headers: object = {}) =>
    site().send('POST', '/tasks', { token: site().tokens.attacker, headers, body })
  const postRaw = (headers: string[], body: Uint8Array) => {
    const lines = [
      'POST /tasks HTTP/1.1',
      'host: x',
      'connection: close',
      `authorization: Bearer ${site().tokens.attacker}`,
      ...headers,
    ]
    return site().sendRaw(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]))
  }
  const json = 'content-type: application/json'

  describe('a body', () => {
    it.each(Object.entries(BODIES))('%s is refused', async (_, [body, ...statuses]) => {
      expectRefused(await post(body), ...statuses)
    })

    it.each(Object.entries(TAKEN))('%s does no harm', async (_, body) => {
      expectSound(await post(body))
    })

    it('of ten megabytes that hides its length is refused on the way', async () => {
      const parts = Array.from({ length: 160 }, () => 'x'.repeat(65_536))
      expectRefused(
        await postRaw([json, 'transfer-encoding: chunked'], chunked(['{"name":"', ...parts])),
        413,
      )
    })

    it('that unpacks to a gigabyte stays packed', async () => {
      const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
      const headers = [json, 'content-encoding: gzip', `content-length: ${bomb.length}`]
      expectRefused(await postRaw(headers, bomb), 400, 413, 415)
    })

    it.each([
      ['not UTF-8', Buffer.from('{"name":"\xff\xfe"}', 'latin1')],
      ['UTF-16', Buffer.from(JSON.stringify(TASK), 'utf16le')],
      ['UTF-8 longer than it needs', Buffer.from('{"name":"\xc0\xaf"}', 'latin1')],
    ])('that is %s is refused', async (_, body) => {
      expectRefused(await postRaw([json, `content-length: ${body.length}`], body), 400)
    })

    it.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/json5',
      '',
    ])('of the type %j is refused', async (type) => {
      expectRefused(await post(JSON.stringify(TASK), { 'content-type': type }), 415)
    })

    it('that is shorter than it said is waited for, and holds up nobody', async () => {
      const waiting = postRaw([json, 'content-length: 1000'], Buffer.from('{'))
      expect((await site().send('GET', '/health')).status).toBe(200)
      expect([0, 400, 408]).toContain((await waiting).status)
    })
  })
}
