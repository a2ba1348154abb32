import { text } from 'node:stream/consumers'
import { createRoute, z } from '@hono/zod-openapi'
import { PlatformError } from '../../../../shared/errors.ts'
import type { ObjectStore } from '../../../../shared/storage/index.ts'
import { getErrorDetail, getResult, type StoredResult } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { answerProblem } from '../../problem.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { findTask, TaskParams } from './find-task.ts'

const route = createRoute({
  method: 'get',
  path: '/tasks/{id}/result',
  tags: ['tasks'],
  summary: 'The result itself, to the letter',
  security: bearerSecurity,
  request: { params: TaskParams },
  responses: {
    200: {
      description: 'The JSON text that the function gave',
      content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
    },
    303: {
      description: 'A large result: fetch it at the signed URL',
      headers: z.object({ location: z.string() }),
    },
    ...problemResponses(401, 404, 409, 410, 422, 503),
  },
})

/** The text of a result, from wherever it lies; `undefined` when it is larger than `maxBytes`. */
export const readResultText = async (
  store: ObjectStore,
  stored: StoredResult,
  maxBytes: number,
): Promise<string | undefined> => {
  if ('text' in stored) return stored.text
  if (stored.sizeBytes > maxBytes) return undefined
  const object = await store.get(stored.objectKey)
  if (!object) throw new PlatformError('EXPIRED', 'The result has expired.')
  return await text(object.body)
}

export const addResult = (app: Gateway, { sql, store, limits }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const task = await findTask(sql, c.get('member'), c.req.valid('param').id)
    if (task.status === 'queued' || task.status === 'running') {
      throw new PlatformError('CONFLICT', `The task is ${task.status}: its result is not there yet.`)
    }
    if (task.status !== 'completed') {
      const error = task.status === 'failed' ? await getErrorDetail(sql, task) : undefined
      const problem = {
        status: 422 as const,
        title: task.status === 'failed' ? 'Task failed' : 'Task cancelled',
        detail: task.errorMessage ?? 'The task was cancelled: it has no result.',
        code: 'TASK_ENDED_WITHOUT_RESULT',
        task_status: task.status,
        failure_code: task.failureCode,
      }
      return answerProblem(
        c,
        problem,
        error === undefined ? undefined : { name: 'error', json: error },
      ) as never
    }
    const stored = await getResult(sql, task.id)
    if (!stored) throw new PlatformError('EXPIRED', 'The result has expired.')
    const result = await readResultText(store, stored, limits.maxAnsweredResultBytes)
    if (result !== undefined) return c.body(result, 200, { 'content-type': 'application/json' }) as never
    if (!('objectKey' in stored)) throw new Error('a large result has no object')
    const url = await store.signedUrl(stored.objectKey, {
      method: 'GET',
      expiresSeconds: limits.signedUrlSeconds,
    })
    return c.redirect(url, 303)
  })
}
