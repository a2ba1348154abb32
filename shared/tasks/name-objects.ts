import type { Sql } from '../database/index.ts'

/**
 * A task that reads its inputs from the object that a column names, for a lateral join: by its index, whatever the plan.
 * A replayed task shares the inputs of the one before it.
 */
export const findTaskOfInputs = (sql: Sql, column: string) => sql`
  select from tasks task where task.inputs_s3_key = ${sql(column)} limit 1`

/** The condition that a task which has not ended names an upload, of a relation `upload`. */
export const isUploadInUse = (sql: Sql) => sql`
  exists (
    select from tasks task
    where task.files <> '{}' and jsonb_path_query_array(task.files, '$.*') ? upload.id::text
      and task.tenant_id = upload.tenant_id and task.status in ('queued', 'running')
  )`

/**
 * Of objects below tasks' folders, those that no row names: what an attempt stored that did not complete, the inputs of
 * a submission that was refused. A task that has not ended, or did so within the last day, may still come to name one,
 * and so may one that is a day old and is not there yet.
 */
export const findUnnamedObjects = async (
  sql: Sql,
  objects: readonly { taskId: string; objectKey: string }[],
): Promise<string[]> => {
  const rows = await sql<{ objectKey: string }[]>`
    select object.key as "objectKey"
    from unnest(
      ${objects.map(({ taskId }) => taskId)}::uuid[],
      ${objects.map(({ objectKey }) => objectKey)}::text[]
    ) as object (task_id, key)
    left join tasks owner on owner.id = object.task_id
    where case
        when owner.id is null then object.task_id < first_id_at(now() - interval '1 day')
        else owner.completed_at < now() - interval '1 day'
      end
      and not exists (${findTaskOfInputs(sql, 'object.key')})
      and not exists (
        select from attempts attempt
        where attempt.task_id = object.task_id and object.key in (attempt.result_s3_key, attempt.log_s3_key)
      )
      and not exists (
        select from artifacts artifact
        where artifact.task_id = object.task_id and artifact.object_key = object.key
      )`
  return rows.map(({ objectKey }) => objectKey)
}
