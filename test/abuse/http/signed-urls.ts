import { describe, expect, it } from 'vitest'
import { expectRefused } from './refusal.ts'
import type { Site } from './site.ts'

const edit = (change: (url: URL) => void) => (text: string) => {
  const url = new URL(text)
  change(url)
  return url.href
}
const setParameter = (name: string, value: string) =>
  edit(({ searchParams }) => searchParams.set(name, value))

const TAMPERED: Record<string, (url: string) => string> = {
  'for longer': setParameter('expires', '99999999999999'),
  'for ever': edit(({ searchParams }) => searchParams.delete('expires')),
  'until a negative time': setParameter('expires', '-1'),
  'until a time in another notation': setParameter('expires', '1e15'),
  'for another method': setParameter('method', 'PUT'),
  'under another file name': setParameter('filename', 'page.html'),
  'without a file name': edit(({ searchParams }) => searchParams.delete('filename')),
  'with a parameter more': setParameter('type', 'text/html'),
  'with a parameter twice': edit(({ searchParams }) => searchParams.append('expires', '99999999999999')),
  'without a signature': edit(({ searchParams }) => searchParams.delete('signature')),
  'with an empty signature': setParameter('signature', ''),
  'with a signature of one letter': setParameter('signature', 'A'),
  'with a signature that is longer': (url) => `${url}A`,
  'of the folder': edit((url) => {
    url.pathname = url.pathname.replace(/[^/]+$/, '')
  }),
  'of another task': edit((url) => {
    url.pathname = url.pathname.replace(/tasks\/[^/]+/, 'tasks/00000000-0000-7000-8000-000000000000')
  }),
  'of another tenant': edit((url) => {
    url.pathname = url.pathname.replace(/tenants\/[^/]+/, 'tenants/00000000-0000-7000-8000-000000000000')
  }),
  'of the log beside it': edit((url) => {
    url.pathname = url.pathname.replace('artifacts/secret.txt', 'logs/log.ndjson')
  }),
}

const LOG = 'logs/log.ndjson'
const PATHS: Record<string, (path: string) => string> = {
  'a step up': (path) => path.replace('secret.txt', `../${LOG}`),
  'an encoded step up': (path) => path.replace('secret.txt', `%2e%2e/${LOG}`),
  'an encoded slash': (path) => path.replace('secret.txt', `..%2f${LOG}`),
  'a step up behind the file': (path) => `${path}/../../${LOG}`,
  'a slash encoded twice': (path) => path.replace('/artifacts/', '%252fartifacts/'),
  'an empty piece': (path) => path.replace('/artifacts/', '//artifacts/'),
  'a NUL': (path) => `${path}%00.txt`,
  'an overlong slash': (path) => path.replace('/artifacts/', '%c0%afartifacts/'),
  'a backslash': (path) => path.replace('/artifacts/', '\\artifacts/'),
}

/** A signed URL is good for what it was signed for. */
export const describeSignedUrls = (site: () => Site) => {
  describe('a signed URL', () => {
    it('as it was signed gives its file, as a download that no browser runs', async () => {
      const response = await fetch(site().victim.artifactUrl)
      expect(await response.text()).toBe(site().victim.secret)
      expect(response.headers.get('content-disposition')).toMatch(/^attachment/)
      expect(response.headers.get('content-security-policy')).toContain('sandbox')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    })

    it.each(Object.entries(TAMPERED))('%s opens nothing', async (_, tamper) => {
      expectRefused(await site().send('GET', tamper(site().victim.artifactUrl)), 400, 403, 404)
    })

    it.each(Object.entries(PATHS))('with %s in its path opens nothing', async (_, change) => {
      const { pathname, search, host } = new URL(site().victim.artifactUrl)
      const answer = await site().sendRaw(
        `GET ${change(pathname)}${search} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
      )
      expectRefused(answer, 400, 403, 404)
      expect(answer.text).not.toContain(site().victim.secret)
    })

    it.each(['PUT', 'POST', 'DELETE', 'PATCH'])('to read is none to %s', async (method) => {
      expectRefused(await site().send(method, site().victim.artifactUrl, { body: 'x' }), 403, 404)
      expect((await site().send('GET', site().victim.artifactUrl)).text).toBe(site().victim.secret)
    })

    it('is not overridden by a header that names another method or path', async () => {
      const headers = { 'x-http-method-override': 'PUT', 'x-original-url': '/objects/x' }
      const answer = await site().send('GET', site().victim.artifactUrl, { headers })
      expect(answer).toMatchObject({ status: 200, text: site().victim.secret })
    })
  })
}
