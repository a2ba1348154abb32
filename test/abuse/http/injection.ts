import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { expectSound } from './refusal.ts'
import type { Site } from './site.ts'

const SQL = [
  "' or '1'='1",
  "'; drop table tasks; --",
  "' union select result::text from attempts --",
  '\\',
  '$1',
  '1; select pg_sleep(10)',
  '%',
  '{}',
]
const PARAMETERS = [
  'status',
  'lane',
  'label',
  'created_after',
  'created_before',
  'cursor',
  'limit',
  'failure_code',
]
/** What a log, a terminal or a header would take for its own. */
const FORGED_LINE = '\n{"level":30,"msg":"forged"}\r\n\u001b[2J\u001b]0;owned\u0007'

/** Text that means something to SQL, to a log, to a header, to a page. */
export const describeInjection = (site: () => Site) => {
  const submit = (changes: object, headers: object = {}) =>
    site().send('POST', '/tasks', {
      token: site().tokens.attacker,
      headers,
      body: JSON.stringify({ code: 'def main(**_): pass', handler: 'main', ...changes }),
    })

  describe('SQL', () => {
    it.each(SQL)('%j is text in every parameter of a list', async (text) => {
      for (const name of PARAMETERS) {
        const path = `/tasks?${name}=${encodeURIComponent(name === 'label' ? `a=${text}` : text)}`
        const answer = await site().send('GET', path, { token: site().tokens.attacker })
        expectSound(answer)
        expect(answer.text).not.toContain(site().victim.taskId)
      }
    })

    it.each(SQL)('%j is text in every member of a submission', async (text) => {
      expectSound(await submit({ name: text, labels: { a: text }, inputs: { [text]: text } }))
      expectSound(await submit({ handler: text }))
      expectSound(await submit({ lane: text, retry: { on: [text] } }))
      expectSound(await submit({}, { 'idempotency-key': text }))
      expectSound(
        await site().send('GET', `/tasks/${encodeURIComponent(text)}`, { token: site().tokens.attacker }),
      )
    })

    it.each([...SQL, '\u0000', '\ud800'])(
      '%j is text in a name of a user, or the token is refused',
      async (text) => {
        const token = await site().signToken({ sub: text, preferred_username: text, tenant: 'mallory' })
        expectSound(await site().send('GET', '/tasks', { token }))
      },
    )
  })

  describe('a log', () => {
    it('has no line that a request wrote', async () => {
      const encoded = encodeURIComponent(FORGED_LINE)
      const { tokens, send } = site()
      expectSound(await submit({ name: FORGED_LINE, labels: { a: FORGED_LINE } }))
      expectSound(await send('GET', `/nowhere/${encoded}?x=${encoded}`))
      expectSound(await send('GET', `/tasks/${encoded}`, { token: tokens.attacker }))
      expectSound(await send('GET', '/tasks', { token: encoded }))
      expectSound(
        await send('GET', '/tasks', { token: tokens.attacker, headers: { 'x-request-id': `a${encoded}` } }),
      )
      const token = await site().signToken({ preferred_username: FORGED_LINE })
      expectSound(await send('GET', '/tasks', { token }))
    })
  })

  describe('an answer', () => {
    it('takes no header from a request', async () => {
      const request = `GET /tasks HTTP/1.1\r\nhost: x\r\nx-request-id: a%0d%0aset-cookie: b=c\r\nconnection: close\r\n\r\n`
      expect((await site().sendRaw(request)).text).not.toMatch(/^set-cookie:/im)
    })

    it('is never a page that a request wrote', async () => {
      const script = '<script>alert(1)</script>'
      for (const path of [`/${script}`, `/tasks/${script}`, `/tasks?status=${script}`]) {
        const response = await fetch(new URL(encodeURI(path), site().url), {
          headers: { authorization: `Bearer ${site().tokens.attacker}` },
        })
        await response.text()
        expect(response.headers.get('content-type')).toMatch(/json/)
        expect(response.headers.get('x-content-type-options')).toBe('nosniff')
        expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
      }
    })

    it('follows no request for another origin', async () => {
      const response = await fetch(`${site().url}/tasks`, {
        headers: { origin: 'https://evil.example', authorization: `Bearer ${site().tokens.attacker}` },
      })
      await response.text()
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    })

    it('is the same for an id that is no id', async () => {
      const token = site().tokens.attacker
      for (const id of ['1', '0x1', '../x', randomUUID().toUpperCase(), `${randomUUID()}'`, '*'])
        expectSound(await site().send('GET', `/tasks/${encodeURIComponent(id)}`, { token }))
    })
  })
}
