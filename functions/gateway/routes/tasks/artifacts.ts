import { createRoute, z } from '@hono/zod-openapi'
import { PlatformError } from '../../../../shared/errors.ts'
import { listArtifacts, wasRemoved } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { bearerSecurity, problemResponses } from '../problem-responses.ts'
import { findTask, TaskParams } from './find-task.ts'

const ArtifactView = z
  .object({
    kind: z.enum(['output', 'artifact']),
    name: z.string(),
    size_bytes: z.number().int(),
    sha256: z.string(),
    url: z.string(),
    expires_at: z.iso.datetime(),
  })
  .openapi('Artifact')

const route = createRoute({
  method: 'get',
  path: '/tasks/{id}/artifacts',
  tags: ['tasks'],
  summary: 'The files of a completed task, each with a signed URL',
  security: bearerSecurity,
  request: { params: TaskParams },
  responses: {
    200: {
      description: 'Output files and artifacts; empty until the task has completed',
      content: { 'application/json': { schema: z.object({ artifacts: z.array(ArtifactView) }) } },
    },
    ...problemResponses(401, 404, 410, 422, 503),
  },
})

export const addArtifacts = (app: Gateway, { sql, store, limits }: GatewayDependencies) => {
  app.openapi(route, async (c) => {
    const task = await findTask(sql, c.get('member'), c.req.valid('param').id)
    const stored = await listArtifacts(sql, task.id)
    if (stored.length === 0 && (await wasRemoved(sql, task, 'artifacts')))
      throw new PlatformError('EXPIRED', 'The files of this task have expired.')
    const expiresAt = new Date(Date.now() + limits.signedUrlSeconds * 1_000).toISOString()
    const artifacts = await Promise.all(
      stored.map(async ({ kind, name, objectKey, sizeBytes, sha256 }) => ({
        kind,
        name,
        size_bytes: sizeBytes,
        sha256,
        url: await store.signedUrl(objectKey, {
          method: 'GET',
          expiresSeconds: limits.signedUrlSeconds,
          filename: name.split('/').at(-1) ?? name,
        }),
        expires_at: expiresAt,
      })),
    )
    return c.json({ artifacts }, 200)
  })
}
