import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({ limits: { maxRequirements: undefined } })
})
afterAll(() => gateway.stop())

const submit = (requirements: string[]) =>
  gateway.fetch('POST', '/tasks', {
    body: JSON.stringify({ code: 'def one(): return 1\n', handler: 'one', requirements }),
  })

test('an installation without a package index refuses requirements, and says why', async () => {
  const response = await submit(['attrs'])
  expect(response.status).toBe(422)
  const { detail, errors } = (await response.json()) as { detail: string; errors: { type: string }[] }
  expect(detail).toContain('builds no environments')
  expect(errors.map(({ type }) => type)).toEqual(['no_environments'])
  expect((await submit([])).status).toBe(202)
})
