import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import { findFreePort } from '../../shared/http/serve.ts'
import { createId } from '../../shared/id.ts'
import { openPolicies } from '../../shared/policies/index.ts'
import {
  deleteDueObjects,
  openRetention,
  removeAllOverdue,
  searchStore,
} from '../../shared/retention/index.ts'
import { attemptKey, type ObjectStore, openStore } from '../../shared/storage/index.ts'
import {
  getResult,
  getTask,
  listArtifacts,
  listAttempts,
  listTasks,
  readLog,
  replayTasks,
  submitTasks,
  type Task,
} from '../../shared/tasks/index.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { RETENTION } from '../gateway/app.ts'
import { createDatabase, loginUrl } from '../services/postgres.ts'
import { admitAndClaim } from '../tasks/admit.ts'
import { createMember, newTask } from '../tasks/new-task.ts'
import { age, compareStore, keepTask, keepUpload, listObjects } from './kept-task.ts'

const installation = { defaults: RETENTION, maxDays: 1_000 }
const storeOptions = {
  publicUrl: 'http://localhost:8000',
  signingKeys: ['signing-key-of-a-test-0123456789abcdef'],
}
const MINUTE = 1 / 1_440

let sql: Sql
/** As the janitor is signed in. */
let platform: Sql
let store: ObjectStore
let directory: string
let member: Member
let tenants = 0
beforeAll(async () => {
  const url = await createDatabase()
  sql = connect(url, { name: 'test' })
  platform = connect(loginUrl(url, 'platform'), { name: 'test janitor' })
  directory = await mkdtemp(join(tmpdir(), 'retention-'))
  store = await openStore(`${pathToFileURL(directory).href}?flush=off`, storeOptions)
})
afterAll(async () => {
  await store.close()
  await platform.end()
  await sql.end()
  await rm(directory, { recursive: true })
})
beforeEach(async () => {
  tenants += 1
  member = await createMember(sql, `tenant-${tenants}`)
})

const { signal } = new AbortController()
const remove = (batch = 3) => removeAllOverdue({ sql: platform, installation, batch, signal })
const read = async (id: string): Promise<Task> => {
  const task = await getTask(sql, member.tenantId, id)
  if (!task) throw new Error('no such task')
  return task
}
const replay = async (id: string) =>
  await replayTasks(sql, member, [id], await openPolicies({ sql, installation: {} }).get(member.tenantId))
/** The store's deletions, as if their time had come. */
const deleteObjects = async () => {
  await sql`update object_deletions set due_at = now()`
  while ((await deleteDueObjects(platform, store, 100)) > 0);
}
const exists = async (objectKey: string) => (await store.head(objectKey)) !== undefined

describe('each thing goes when its time is over, and not before', () => {
  test('a result', async () => {
    const old = await keepTask(sql, store, member, { days: 20 + MINUTE })
    const young = await keepTask(sql, store, member, { days: 20 - MINUTE })
    await remove()
    expect(await getResult(sql, old.id)).toBeUndefined()
    expect(await getResult(sql, young.id)).toMatchObject({ objectKey: young.objects.result })
    await deleteObjects()
    expect(await exists(old.objects.result)).toBe(false)
    expect(await exists(young.objects.result)).toBe(true)
    expect(await exists(old.objects.inputs)).toBe(true)
  })

  test('a small result and an error, which lie in the row', async () => {
    const { id } = await keepTask(sql, store, member, { days: 0 })
    await sql`
      update attempts set result = '{"result":1}', result_s3_key = null, error = '{"type":"E"}' where task_id = ${id}`
    await remove()
    expect(await getResult(sql, id)).toEqual({ text: '{"result":1}' })
    await age(sql, id, 21)
    await remove()
    const [attempt] = await sql`select result, error, result_bytes from attempts where task_id = ${id}`
    expect(attempt).toEqual({ result: null, error: null, result_bytes: '30' })
  })

  test('artifacts', async () => {
    const old = await keepTask(sql, store, member, { days: 20 + MINUTE })
    const young = await keepTask(sql, store, member, { days: 20 - MINUTE })
    await remove()
    await deleteObjects()
    expect(await listArtifacts(sql, old.id)).toEqual([])
    expect(await exists(old.objects.artifact)).toBe(false)
    expect(await listArtifacts(sql, young.id)).toHaveLength(1)
    expect(await exists(young.objects.artifact)).toBe(true)
  })

  test('a log', async () => {
    const old = await keepTask(sql, store, member, { days: 10 + MINUTE })
    const young = await keepTask(sql, store, member, { days: 10 - MINUTE })
    await sql`
      insert into log_chunks (task_id, attempt, index, tenant_id, kind, chunk)
      values (${old.id}, 1, 0, ${member.tenantId}, 'stdout', 'of a lost attempt')`
    await remove()
    await deleteObjects()
    await expect(readLog(sql, store, await read(old.id), 0)).rejects.toMatchObject({ code: 'EXPIRED' })
    expect(await exists(old.objects.log)).toBe(false)
    expect((await readLog(sql, store, await read(young.id), 0)).chunks).toHaveLength(1)
  })

  test('events', async () => {
    const old = await keepTask(sql, store, member, { days: 10 + MINUTE })
    const young = await keepTask(sql, store, member, { days: 10 - MINUTE })
    await remove()
    const rows = await sql<{ id: string }[]>`
      select distinct task_id as id from events where tenant_id = ${member.tenantId}`
    expect(rows).toEqual([{ id: young.id }])
    expect(await getTask(sql, member.tenantId, old.id)).toBeDefined()
  })

  test('a task, and with it all that is left', async () => {
    const old = await keepTask(sql, store, member, { days: 100 + MINUTE })
    const young = await keepTask(sql, store, member, { days: 100 - MINUTE })
    await remove()
    await deleteObjects()
    expect((await listTasks(sql, member.tenantId, { labels: {} }, { limit: 5 })).map(({ id }) => id)).toEqual(
      [young.id],
    )
    expect(await listAttempts(sql, old.id)).toEqual([])
    const left = await sql`
      select task_id from task_labels where task_id = ${old.id}
      union all select task_id from idempotency_keys where task_id = ${old.id}`
    expect(left).toEqual([])
    expect((await listObjects(store)).filter((key) => key.includes(old.id))).toEqual([])
  })

  test('an idempotency key', async () => {
    const task = await keepTask(sql, store, member, { days: 1 })
    const keys = async () =>
      (await sql`select key from idempotency_keys where tenant_id = ${member.tenantId}`).length
    const ageKey = (days: number) => sql`
      update idempotency_keys
      set created_at = now() - make_interval(secs => ${days * 86_400}), task_id = first_id_at(now() - interval '30 days')
      where key = ${task.id}`
    await ageKey(7 - MINUTE)
    await remove()
    expect(await keys()).toBe(1)
    await ageKey(7 + MINUTE)
    await remove()
    expect(await keys()).toBe(0)
  })

  test('an upload, once no submission can be on its way with it', async () => {
    const old = await keepUpload(sql, store, member, 60 * MINUTE + MINUTE)
    const young = await keepUpload(sql, store, member, 60 * MINUTE - MINUTE)
    await remove()
    await deleteObjects()
    expect(await exists(old.objectKey)).toBe(false)
    expect(await exists(young.objectKey)).toBe(true)
  })
})

describe('what is still needed stays', () => {
  test('a task that has not ended, however old', async () => {
    const { id } = await keepTask(sql, store, member, { days: 0 })
    const [again] = await replay(id)
    await age(sql, again?.id ?? '', 10_000)
    await remove()
    expect(await getTask(sql, member.tenantId, again?.id ?? '')).toMatchObject({ status: 'queued' })
  })

  test('the inputs of a task that was replayed, until the last that shares them has gone', async () => {
    const first = await keepTask(sql, store, member, { days: 200 })
    const [second] = await replay(first.id)
    const id = second?.id ?? ''
    await remove()
    await deleteObjects()
    expect(await getTask(sql, member.tenantId, first.id)).toBeUndefined()
    expect(await exists(first.objects.inputs)).toBe(true)
    expect(await read(id)).toMatchObject({ replayOf: null })

    await sql`update tasks set status = 'cancelled', completed_at = now() where id = ${id}`
    await sql`delete from turns where task_id = ${id}`
    await age(sql, id, 200)
    await remove()
    await deleteObjects()
    expect(await exists(first.objects.inputs)).toBe(false)
  })

  test('an upload that a waiting task names; once that has ended, it goes', async () => {
    const upload = await keepUpload(sql, store, member, 3)
    const task = newTask({ files: { mesh: upload.id } })
    await submitTasks(sql, [{ member, task }])
    await remove()
    await deleteObjects()
    expect(await exists(upload.objectKey)).toBe(true)

    await sql`update tasks set status = 'cancelled', completed_at = now() where id = ${task.id}`
    await sql`delete from turns where task_id = ${task.id}`
    await sql`update uploads set expires_at = now() - interval '2 hours' where id = ${upload.id}`
    await remove()
    await deleteObjects()
    expect(await exists(upload.objectKey)).toBe(false)
  })

  test('an object for as long as a signed URL for it may be in somebody’s hands', async () => {
    const { objects } = await keepTask(sql, store, member, { days: 21 })
    await remove()
    const [note] = await sql<{ minutes: number }[]>`
      select extract(epoch from due_at - now())::float / 60 as minutes
      from object_deletions where object_key = ${objects.result}`
    expect(note?.minutes).toBeGreaterThan(15)
    await deleteDueObjects(platform, store, 100)
    expect(await exists(objects.result)).toBe(true)
  })
})

describe('a tenant’s own times', () => {
  const settings = () => openRetention(sql, installation)

  test('hold instead of the installation’s, from the next round on', async () => {
    const { id } = await keepTask(sql, store, member, { days: 5 })
    await remove()
    expect(await getResult(sql, id)).toBeDefined()
    await settings().change(member.tenantId, { results_days: 4 })
    await remove()
    expect(await getResult(sql, id)).toBeUndefined()
    expect(await listArtifacts(sql, id)).toHaveLength(1)
  })

  test('are nobody else’s', async () => {
    const other = await createMember(sql, `other-${tenants}`)
    const theirs = await keepTask(sql, store, other, { days: 5 })
    await settings().change(member.tenantId, { results_days: 1, tasks_days: 1 })
    await remove()
    expect(await getResult(sql, theirs.id)).toBeDefined()
  })

  test('of a task are the most that anything of it is kept', async () => {
    const { retention } = await settings().change(member.tenantId, { tasks_days: 3, uploads_days: 5 })
    expect(retention).toEqual({
      results_days: 3,
      artifacts_days: 3,
      logs_days: 3,
      events_days: 3,
      tasks_days: 3,
      uploads_days: 5,
      idempotency_keys_days: 3,
    })
  })

  test('taken back follow the installation again, and longer ones bring nothing back', async () => {
    const { id } = await keepTask(sql, store, member, { days: 5 })
    await settings().change(member.tenantId, { logs_days: 4 })
    await remove()
    const { retention } = await settings().change(member.tenantId, { logs_days: null })
    expect(retention.logs_days).toBe(10)
    await deleteObjects()
    await expect(readLog(sql, store, await read(id), 0)).rejects.toMatchObject({ code: 'EXPIRED' })
  })

  test('are at most what the installation allows', async () => {
    expect((await settings().change(member.tenantId, { results_days: 1_000 })).settings).toMatchObject({
      results_days: 1_000,
    })
    await expect(settings().change(member.tenantId, { results_days: 1_001 })).rejects.toMatchObject({
      code: 'INVALID',
      faults: [{ loc: ['body', 'results_days'] }],
    })
  })
})

describe('objects', () => {
  test('that the store does not delete now are deleted later', async () => {
    const { objects } = await keepTask(sql, store, member, { days: 21 })
    await remove()
    await sql`update object_deletions set due_at = now() - interval '1 hour' where tenant_id = ${member.tenantId}`
    const endpoint = `http://127.0.0.1:${await findFreePort()}`
    const away = await openStore(`s3://objects?region=fr-par&endpoint=${endpoint}&path_style=true`, {
      ...storeOptions,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    })
    await expect(deleteDueObjects(platform, away, 100)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await away.close()
    expect(await deleteDueObjects(platform, store, 100)).toBe(0) // their time has not come again
    await deleteObjects()
    expect(await exists(objects.result)).toBe(false)
  })

  test('that no row names are found by a search, and nothing else is', async () => {
    const { id } = await keepTask(sql, store, member, { days: 2 })
    const running = newTask()
    await submitTasks(sql, [{ member, task: running }])
    await admitAndClaim(sql, running.id)
    const upload = await keepUpload(sql, store, member, 0)
    const dayOld = (days: number) =>
      `${Math.floor(Date.now() - days * 86_400_000)
        .toString(16)
        .padStart(12, '0')
        .replace(/(.{8})/, '$1-')}-7${createId().slice(15)}`
    const of = (taskId: string, attempt = 1) => ({ tenantId: member.tenantId, taskId, attempt })
    const orphans = [
      attemptKey(of(id, 7), 'artifacts', 'of a lost attempt.png'),
      attemptKey(of(id), 'outputs', 'files/not named.txt'),
      attemptKey(of(dayOld(1.1)), 'inputs', 'inputs.json'),
      `tenants/${member.tenantId}/uploads/${dayOld(1.1)}/mesh.inp`,
    ]
    const others = [
      attemptKey(of(running.id), 'artifacts', 'not yet named.png'),
      attemptKey(of(dayOld(0.9)), 'inputs', 'inputs.json'),
      `tenants/${member.tenantId}/uploads/${dayOld(0.9)}/mesh.inp`,
      `tenants/${member.tenantId}/exports/not-ours.zip`,
    ]
    for (const key of [...orphans, ...others]) await store.put(key, 'x', { contentType: 'text/plain' })
    const before = await listObjects(store)

    await searchStore(platform, store, signal) // notes the tenants
    await sql`
      update object_searches
      set due_at = now() + interval '1 hour' - case when tenant_id = ${member.tenantId} then interval '2 hours' else '0' end`
    expect(await searchStore(platform, store, signal)).toEqual({ tenantId: member.tenantId, found: 4 })
    expect(await searchStore(platform, store, signal)).toBeUndefined()
    await deleteObjects()
    expect(before.filter((key) => !orphans.includes(key))).toEqual(await listObjects(store))
    expect(await exists(upload.objectKey)).toBe(true)
  })
})

test('of janitors that remove at one moment each does a part, and every object is noted once', async () => {
  for (let index = 0; index < 12; index += 1) await keepTask(sql, store, member, { days: 150 })
  await Promise.all([remove(2), remove(2), remove(2)])
  expect(await listTasks(sql, member.tenantId, { labels: {} }, { limit: 5 })).toEqual([])
  expect(await compareStore(sql, store)).toMatchObject({ dangling: [] })
  await deleteObjects()
  expect((await listObjects(store)).filter((key) => key.includes(member.tenantId))).toEqual([])
})
