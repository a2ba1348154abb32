import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectRefused } from './refusal.ts'
import type { Site } from './site.ts'

type Route = { method: string; path: string; secured: boolean }
type Document = { paths: Record<string, Record<string, { security?: unknown[] }>> }

/** What anybody may ask. */
const PUBLIC = ['GET /health', 'GET /ready']
const OPERATORS_ONLY = /^\/(workers|metrics|admin\/)/

const readRoutes = async ({ send }: Site): Promise<Route[]> => {
  const { paths } = JSON.parse((await send('GET', '/openapi.json')).text) as Document
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { security }]) => ({
      method: method.toUpperCase(),
      path,
      secured: security !== undefined,
    })),
  )
}

const fill = (path: string, id: string): string =>
  path
    .replace('{id}', id)
    .replace('{lane}', 'default')
    .replaceAll(/\{\w+\}/g, 'x')

/** The body without what names the request itself. */
const withoutNames = (text: string, id: string): string =>
  text.replaceAll(id, '<id>').replace(/"request_id":"[^"]*"/, '')

/** What belongs to a tenant is nobody else's, on every route that there is. */
export const describeOtherTenants = (site: () => Site) => {
  describe('another company’s', () => {
    let routes: Route[]
    beforeAll(async () => {
      routes = await readRoutes(site())
    })
    const request = ({ method }: Route) => (method === 'GET' ? {} : { body: '{}' })

    it('routes all ask for a token', async () => {
      expect(routes.length).toBeGreaterThan(10)
      for (const route of routes) {
        if (PUBLIC.includes(`${route.method} ${route.path}`)) continue
        expect(route, `${route.method} ${route.path} asks for nothing`).toMatchObject({ secured: true })
        const path = fill(route.path, site().victim.taskId)
        expectRefused(await site().send(route.method, path, request(route)), 401)
      }
    })

    it('things answer on every route in the words of what never was', async () => {
      const ofThings = routes.filter(({ path }) => path.includes('{id}'))
      expect(ofThings.length).toBeGreaterThanOrEqual(5)
      const ask = async (route: Route, id: string) => {
        const answer = await site().send(route.method, fill(route.path, id), {
          ...request(route),
          token: site().tokens.attacker,
        })
        expectRefused(answer, 404)
        return withoutNames(answer.text, id)
      }
      for (const route of ofThings)
        expect(await ask(route, site().victim.taskId)).toBe(await ask(route, randomUUID()))
    })

    it('operator’s routes are closed to a company’s admin', async () => {
      const operators = routes.filter(({ path }) => OPERATORS_ONLY.test(path))
      expect(operators.length).toBeGreaterThanOrEqual(3)
      for (const route of operators) {
        const token = site().tokens.attacker
        expectRefused(
          await site().send(route.method, fill(route.path, ''), { ...request(route), token }),
          403,
        )
      }
    })

    it.each(['', '?label=owner%3Dvictim', '?status=completed', '?limit=200', '?cursor=<victim>'])(
      'tasks are in no list (%s)',
      async (query) => {
        const { tokens, victim, send } = site()
        const path = `/tasks${query.replace('<victim>', victim.taskId)}`
        const answer = await send('GET', path, { token: tokens.attacker })
        expect(answer.status).toBe(200)
        expect(answer.text).not.toContain(victim.taskId)
        expect(answer.text).not.toContain(victim.secret)
      },
    )

    it('upload is no input', async () => {
      const { tokens, victim, send } = site()
      const body = JSON.stringify({ code: 'def f(x): pass', handler: 'f', files: { x: victim.uploadId } })
      expectRefused(await send('POST', '/tasks', { token: tokens.attacker, body }), 422)
    })

    it('idempotency key answers nothing of theirs', async () => {
      const { tokens, victim, send } = site()
      const answer = await send('POST', '/tasks', {
        token: tokens.attacker,
        headers: { 'idempotency-key': victim.idempotencyKey },
        body: JSON.stringify({ code: 'def main(): pass', handler: 'main' }),
      })
      expect(answer.status).toBe(202)
      expect(answer.text).not.toContain(victim.taskId)
    })

    it.each([
      'x-tenant',
      'x-tenant-id',
      'x-organization',
      'x-user',
      'x-forwarded-user',
      'x-original-url',
      'x-rewrite-url',
    ])('things do not open by the header %s', async (name) => {
      const { tokens, victim, send } = site()
      const answer = await send('GET', `/tasks/${victim.taskId}`, {
        token: tokens.attacker,
        headers: { [name]: name.endsWith('url') ? `/tasks/${victim.taskId}` : 'acme' },
      })
      expectRefused(answer, 404)
    })

    it('task is not cancelled by a filter that finds it', async () => {
      const { tokens, send } = site()
      const answer = await send('POST', '/tasks/cancel?label=owner%3Dvictim', { token: tokens.attacker })
      expect(JSON.parse(answer.text)).toMatchObject({ cancelled: 0, stopping: 0 })
    })
  })
}
