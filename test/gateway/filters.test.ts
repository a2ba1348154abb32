import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.stop())

const submit = async (handler: string, more: object = {}) => {
  const body = JSON.stringify({ code: `def ${handler}():\n    return 1\n`, handler, ...more })
  const response = await gateway.fetch('POST', '/tasks', { body })
  return { status: response.status, id: ((await response.json()) as { id: string }).id }
}
const list = async (query: string) => {
  const response = await gateway.fetch('GET', `/tasks?${query}`)
  expect(response.status).toBe(200)
  return ((await response.json()) as { tasks: { id: string }[] }).tasks.map(({ id }) => id)
}
const count = async (query: string) =>
  ((await (await gateway.fetch('GET', `/tasks/count?${query}`)).json()) as { count: number }).count

test('tasks are listed and counted by their function', async () => {
  const [bolt, beam, again] = [await submit('bolt'), await submit('beam'), await submit('bolt')]
  expect(await list('handler=bolt')).toEqual([again.id, bolt.id])
  expect(await list('handler=beam')).toEqual([beam.id])
  expect(await count('handler=bolt')).toBe(2)
  expect((await gateway.fetch('GET', '/tasks?handler=1bad')).status).toBe(422)
})

test('a function’s name has at most 200 characters', async () => {
  expect((await submit('f'.repeat(200))).status).toBe(202)
  expect((await submit('f'.repeat(201))).status).toBe(422)
})

test('labels find a task that has all of them, also one that was replayed', async () => {
  const both = await submit('labelled', { labels: { project: 'bridge', case: 'é = 1' } })
  const one = await submit('labelled', { labels: { project: 'bridge' } })
  expect(await list('label=project=bridge')).toEqual([one.id, both.id])
  expect(await list(`label=project=bridge&label=${encodeURIComponent('case=é = 1')}`)).toEqual([both.id])
  expect(await list('label=project=tower')).toEqual([])

  await gateway.fetch('POST', `/tasks/${both.id}/cancel`)
  const replayed = (await (await gateway.fetch('POST', `/tasks/${both.id}/retry`)).json()) as { id: string }
  expect(await list(`label=${encodeURIComponent('case=é = 1')}`)).toEqual([replayed.id, both.id])
})

test('a time of submission is the database’s, whatever the clock of the gateway that made the id', async () => {
  const { sql } = gateway.dependencies
  const { id } = await submit('skewed')
  await sql`update tasks set created_at = created_at - interval '59 minutes' where id = ${id}`
  const at = (minutesAgo: number) => new Date(Date.now() - minutesAgo * 60_000).toISOString()
  expect(await list(`handler=skewed&created_after=${at(60)}&created_before=${at(58)}`)).toEqual([id])
  expect(await list(`handler=skewed&created_after=${at(58)}`)).toEqual([])
  expect(await list(`handler=skewed&created_before=${at(60)}`)).toEqual([])
})
