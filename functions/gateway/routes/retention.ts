import { createRoute, z } from '@hono/zod-openapi'
import { type ReadRetention, RetentionPatch, RetentionSettings } from '../../../shared/retention/index.ts'
import type { Gateway, GatewayDependencies } from '../app.ts'
import { readJsonBody } from '../read-json-body.ts'
import { requireRole } from '../require-role.ts'
import { bearerSecurity, problemResponses } from './problem-responses.ts'

const PATH = '/tenant/retention'

// Made again here, because a schema from elsewhere takes no description.
const Effective = z.strictObject(RetentionSettings.shape)
const Patch = z.strictObject(RetentionPatch.shape).openapi('RetentionPatch')

const RetentionView = z
  .object({
    retention: Effective.openapi('Retention', {
      description:
        'Days that things are kept: results, artifacts, logs, events and the task itself from its end on',
    }),
    settings: Patch.openapi('RetentionSettings', {
      description: "What the tenant's administrators set; the rest follows the installation",
    }),
  })
  .openapi('TenantRetention')

const content = { 'application/json': { schema: RetentionView } }

const read = createRoute({
  method: 'get',
  path: PATH,
  tags: ['tenant'],
  summary: "How long the tenant's things are kept",
  security: bearerSecurity,
  responses: { 200: { description: 'The retention', content }, ...problemResponses(401, 503) },
})

const change = createRoute({
  method: 'patch',
  path: PATH,
  tags: ['tenant'],
  summary: "Change how long the tenant's things are kept; role admin",
  description:
    'What is named is set, `null` takes it back (RFC 7396). It holds for what is kept already, too: shortening a time ' +
    'removes what is older within minutes, and nothing brings it back. What belongs to a task goes with it at the latest.',
  security: bearerSecurity,
  request: { body: { required: true, content: { 'application/json': { schema: Patch } } } },
  responses: {
    200: { description: 'The retention as it is now', content },
    ...problemResponses(400, 401, 403, 413, 415, 422, 503),
  },
})

const toView = ({ retention, settings }: ReadRetention) => ({
  retention,
  settings: Object.fromEntries(Object.entries(settings).filter(([, days]) => days !== null)),
})

export const addRetention = (app: Gateway, { retention, limits }: GatewayDependencies) => {
  app.openapi(read, async (c) => c.json(toView(await retention.read(c.get('member').tenantId)), 200))

  app.on(
    'PATCH',
    PATH,
    requireRole('admin'),
    readJsonBody({ maxBytes: limits.maxBodyBytes, maxDepth: limits.maxJsonDepth }),
  )
  app.openapi(change, async (c) =>
    c.json(toView(await retention.change(c.get('member').tenantId, c.req.valid('json'))), 200),
  )
}
