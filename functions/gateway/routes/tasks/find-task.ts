import { z } from '@hono/zod-openapi'
import type { Sql } from '../../../../shared/database/index.ts'
import { PlatformError } from '../../../../shared/errors.ts'
import { getTask, type Task } from '../../../../shared/tasks/index.ts'
import type { Member } from '../../../../shared/tenants/index.ts'

export const TaskParams = z.object({
  id: z.uuid().openapi({ param: { name: 'id', in: 'path' }, description: "The task's id" }),
})

/** @throws `NOT_FOUND`, in the same words for a task that never was and for another tenant's */
export const findTask = async (sql: Sql, member: Member, id: string): Promise<Task> => {
  const task = await getTask(sql, member.tenantId, id)
  if (!task) throw new PlatformError('NOT_FOUND', `There is no task ${id}.`)
  return task
}
