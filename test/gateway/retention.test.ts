import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteDueObjects, removeAllOverdue } from '../../shared/retention/index.ts'
import { keepTask, keepUpload } from '../retention/kept-task.ts'
import { createMember } from '../tasks/new-task.ts'
import { RETENTION, startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
let admin: string
beforeAll(async () => {
  gateway = await startTestGateway()
  admin = await gateway.token('acme', 'grace', ['user', 'admin'])
})
afterAll(() => gateway.stop())

const get = (path: string) => gateway.fetch('GET', path)
const patch = (body: object, token = admin) =>
  gateway.fetch('PATCH', '/tenant/retention', { body: JSON.stringify(body), token })
const removeOverdue = async () => {
  const { sql, store } = gateway.dependencies
  const { signal } = new AbortController()
  await removeAllOverdue({ sql, installation: { defaults: RETENTION, maxDays: 1_000 }, batch: 10, signal })
  await sql`update object_deletions set due_at = now()`
  await deleteDueObjects(sql, store, 100)
}
const keep = async (days: number) => {
  const { sql, store } = gateway.dependencies
  const { id: tenantId } = (await sql<[{ id: string }]>`select id from tenants where slug = 'acme'`)[0]
  const [user] = await sql<[{ id: string }]>`select id from users where username = 'ada'`
  return await keepTask(sql, store, { tenantId, userId: user.id }, { days })
}

describe('what has expired says so', () => {
  beforeAll(async () => {
    await gateway.fetch('GET', '/tasks') // records the tenant and its user
  })

  test.each([
    ['result', 'The result has expired.', 21],
    ['logs', 'The log of this task has expired.', 11],
    ['artifacts', 'The files of this task have expired.', 21],
  ])('the %s of a task whose time is over are a 410, until then an answer', async (part, detail, days) => {
    const old = await keep(days)
    const young = await keep(days - 2)
    await removeOverdue()
    expect((await get(`/tasks/${young.id}/${part}`)).status).toBe(200)
    const response = await get(`/tasks/${old.id}/${part}`)
    expect(response.status).toBe(410)
    expect(await response.json()).toMatchObject({ code: 'EXPIRED', detail })
    expect(await (await get(`/tasks/${old.id}`)).json()).toMatchObject({ status: 'completed' })
  })

  test('a task that printed nothing has an empty log until its time is over', async () => {
    const { id } = await keep(9)
    await gateway.dependencies.sql`update attempts set log_s3_key = null where task_id = ${id}`
    await removeOverdue()
    expect(await (await get(`/tasks/${id}/logs`)).json()).toMatchObject({ entries: [], done: true })
  })

  test('a task that is gone is as absent as one that never was', async () => {
    const { id } = await keep(101)
    await removeOverdue()
    expect((await get(`/tasks/${id}`)).status).toBe(404)
  })

  test('a task whose input files have expired does not run again', async () => {
    const { sql, store } = gateway.dependencies
    const { id } = await keep(1)
    const member = await createMember(sql)
    const gone = await keepUpload(sql, store, member, 1)
    const there = await keepUpload(sql, store, member, -1)
    const retryWith = async (files: object) => {
      await sql`update tasks set files = ${sql.json(files as never)} where id = ${id}`
      return (await gateway.fetch('POST', `/tasks/${id}/retry`)).status
    }
    expect(await retryWith({ mesh: there.id })).toBe(202)
    expect(await retryWith({ mesh: there.id, load: gone.id })).toBe(410)
  })
})

describe('a tenant’s retention', () => {
  test('is the installation’s, until an administrator changes a part of it', async () => {
    expect(await (await get('/tenant/retention')).json()).toEqual({ retention: RETENTION, settings: {} })
    const changed = await patch({ logs_days: 3, results_days: 5 })
    expect(changed.status).toBe(200)
    expect(await (await patch({ results_days: null })).json()).toEqual({
      retention: { ...RETENTION, logs_days: 3 },
      settings: { logs_days: 3 },
    })
    expect((await patch({})).status).toBe(200)
    expect(await (await get('/tenant/retention')).json()).toMatchObject({ settings: { logs_days: 3 } })
  })

  test('is an administrator’s to change', async () => {
    expect((await patch({ logs_days: 3 }, await gateway.token())).status).toBe(403)
  })

  test.each([
    ['a day', { logs_days: 1 }, 200],
    ['less than a day', { logs_days: 0.5 }, 422],
    ['nothing, which is not for ever', { logs_days: 0 }, 422],
    ['as long as the installation allows', { logs_days: 1_000 }, 200],
    ['longer than the installation allows', { logs_days: 1_001 }, 422],
    ['a thing that is not kept', { coffee_days: 1 }, 422],
  ])('may be %s: %o answers %i', async (_, body, status) => {
    expect((await patch(body)).status).toBe(status)
  })

  test('says how long an upload may be used', async () => {
    await patch({ uploads_days: 3 })
    const response = await gateway.fetch('POST', '/uploads', {
      body: '{"filename":"mesh.inp","size_bytes":1}',
    })
    const { upload_id: id } = (await response.json()) as { upload_id: string }
    const [upload] = await gateway.dependencies.sql`
      select expires_at - created_at = interval '3 days' as three from uploads where id = ${id}`
    expect(upload).toEqual({ three: true })
  })
})
