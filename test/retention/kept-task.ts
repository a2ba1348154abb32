import type { Sql } from '../../shared/database/index.ts'
import { createId } from '../../shared/id.ts'
import { attemptKey, type ObjectStore, uploadKey } from '../../shared/storage/index.ts'
import { finishAttempt, type NewTask, submitTasks } from '../../shared/tasks/index.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { admitAndClaim } from '../tasks/admit.ts'
import { newTask } from '../tasks/new-task.ts'

export type KeptTask = { id: string; objects: Record<'inputs' | 'result' | 'artifact' | 'log', string> }

/** Everything as if it had happened so long ago. */
export const age = async (sql: Sql, taskId: string, days: number): Promise<void> => {
  await sql`
    update tasks
    set completed_at = completed_at - make_interval(secs => ${days * 86_400}), created_at = created_at - make_interval(secs => ${days * 86_400})
    where id = ${taskId}`
}

/** A task that ended so many days ago and left all that a task can leave, its large things in the store. */
export const keepTask = async (
  sql: Sql,
  store: ObjectStore,
  member: Member,
  { days, ...changes }: Partial<NewTask> & { days: number },
): Promise<KeptTask> => {
  const id = createId()
  const attempt = { tenantId: member.tenantId, taskId: id, attempt: 1 }
  const objects = {
    inputs: attemptKey(attempt, 'inputs', 'inputs.json'),
    result: attemptKey(attempt, 'outputs', 'result.json'),
    artifact: attemptKey(attempt, 'artifacts', 'plot.png'),
    log: attemptKey(attempt, 'logs', 'log.ndjson'),
  }
  for (const key of Object.values(objects))
    await store.put(key, '{"kind":"stdout","chunk":"x"}\n', { contentType: 'application/json' })
  await submitTasks(sql, [
    {
      member,
      task: newTask({ id, inputs: { objectKey: objects.inputs }, labels: { project: 'bridge' }, ...changes }),
      idempotency: { key: id, requestSha256: 'x' },
    },
  ])
  await finishAttempt(sql, await admitAndClaim(sql, id), {
    outcome: 'completed',
    result: { objectKey: objects.result, sizeBytes: 30 },
    artifacts: [
      { kind: 'artifact', name: 'plot.png', objectKey: objects.artifact, sizeBytes: 30, sha256: 'x' },
    ],
    log: { objectKey: objects.log },
  })
  await age(sql, id, days)
  return { id, objects }
}

/** A file that was uploaded, and whose time was over so many days ago. */
export const keepUpload = async (
  sql: Sql,
  store: ObjectStore,
  { tenantId, userId }: Member,
  days: number,
): Promise<{ id: string; objectKey: string }> => {
  const id = createId()
  const objectKey = uploadKey(tenantId, id, 'mesh.inp')
  await store.put(objectKey, 'mesh', { contentType: 'text/plain' })
  await sql`
    insert into uploads (id, tenant_id, user_id, filename, content_type, size_bytes, object_key, expires_at)
    values (
      ${id}, ${tenantId}, ${userId}, 'mesh.inp', 'text/plain', 4, ${objectKey},
      now() - make_interval(secs => ${days * 86_400})
    )`
  return { id, objectKey }
}

export const listObjects = async (store: ObjectStore): Promise<string[]> =>
  (await Array.fromAsync(store.list('tenants/'))).map(({ key }) => key)

/** Every object that a row names or that is noted for deletion, and every name that has no object. */
export const compareStore = async (sql: Sql, store: ObjectStore) => {
  const rows = await sql<{ key: string }[]>`
    select inputs_s3_key as key from tasks where inputs_s3_key is not null
    union select result_s3_key from attempts where result_s3_key is not null
    union select log_s3_key from attempts where log_s3_key is not null
    union select object_key from artifacts
    union select object_key from uploads where expires_at > now()`
  const noted = await sql<{ key: string }[]>`
    select object_key as key from object_deletions union select object_key from uploads`
  const named = new Set(rows.map(({ key }) => key))
  const known = new Set([...named, ...noted.map(({ key }) => key)])
  const objects = new Set(await listObjects(store))
  return {
    unreachable: [...objects].filter((key) => !known.has(key)),
    dangling: [...named].filter((key) => !objects.has(key)),
  }
}
