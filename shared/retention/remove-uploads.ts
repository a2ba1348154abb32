import type { Sql } from '../database/index.ts'
import { isUploadInUse } from '../tasks/index.ts'
import { forgetObjects } from './object-deletions.ts'

/** No submission takes this long from its look at an upload to its own commit. */
const SUBMISSIONS_UNDER_WAY = '1 hour'

/**
 * Removes uploads whose time is over, `limit` at most. One that a task still waits or runs with is kept for another day.
 *
 * @returns how many were looked at
 */
export const removeOverdueUploads = async (sql: Sql, limit: number): Promise<number> =>
  await sql.begin(async (transaction) => {
    const rows = await transaction<{ tenantId: string; objectKey: string; kept: boolean }[]>`
      with due as materialized (
        select upload.id, upload.tenant_id, upload.object_key, ${isUploadInUse(sql)} as kept
        from uploads upload
        where upload.expires_at < now() - ${SUBMISSIONS_UNDER_WAY}::interval
        order by upload.expires_at
        limit ${limit}
        for update of upload skip locked
      ), postponed as (
        update uploads
        set expires_at = now() + interval '1 day'
        where id = any (array(select id from due where kept))
      ), gone as (
        delete from uploads where id = any (array(select id from due where not kept))
      )
      select tenant_id as "tenantId", object_key as "objectKey", kept from due`
    const gone = rows.filter(({ kept }) => !kept)
    for (const tenantId of new Set(gone.map((row) => row.tenantId))) {
      const keys = gone.filter((row) => row.tenantId === tenantId).map(({ objectKey }) => objectKey)
      await forgetObjects(transaction, tenantId, keys)
    }
    return rows.length
  })

/** Of objects below uploads' folders, those whose upload is not there and did not come within the last day. */
export const findUnnamedUploads = async (
  sql: Sql,
  objects: readonly { uploadId: string; objectKey: string }[],
): Promise<string[]> => {
  const rows = await sql<{ objectKey: string }[]>`
    select object.key as "objectKey"
    from unnest(
      ${objects.map(({ uploadId }) => uploadId)}::uuid[],
      ${objects.map(({ objectKey }) => objectKey)}::text[]
    ) as object (upload_id, key)
    where object.upload_id < first_id_at(now() - interval '1 day')
      and not exists (select from uploads upload where upload.id = object.upload_id)`
  return rows.map(({ objectKey }) => objectKey)
}
