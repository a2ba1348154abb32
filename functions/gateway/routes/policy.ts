import { createRoute, z } from '@hono/zod-openapi'
import { type Policy, PolicyPatch, PolicySettings } from '../../../shared/policies/index.ts'
import type { Gateway, GatewayDependencies } from '../app.ts'
import { readJsonBody } from '../read-json-body.ts'
import { requireRole } from '../require-role.ts'
import { bearerSecurity, problemResponses } from './problem-responses.ts'

const PATH = '/tenant/policy'

// Made again here, because a schema from elsewhere takes no description.
const Effective = z.strictObject(PolicySettings.required().shape)
const Settings = z.strictObject(PolicySettings.shape)
const Patch = z.strictObject(PolicyPatch.shape).openapi('PolicyPatch')

const PolicyView = z
  .object({
    policy: Effective.openapi('Policy', {
      description: "What the tenant's tasks are held to when they are submitted",
    }),
    settings: Settings.openapi('PolicySettings', {
      description: "What the tenant's administrators set; the rest follows the installation",
    }),
  })
  .openapi('TenantPolicy')

const content = { 'application/json': { schema: PolicyView } }

const read = createRoute({
  method: 'get',
  path: PATH,
  tags: ['tenant'],
  summary: "What the tenant's tasks are held to: checks of their source, and the sandbox that they need",
  security: bearerSecurity,
  responses: { 200: { description: 'The policy', content }, ...problemResponses(401, 503) },
})

const change = createRoute({
  method: 'patch',
  path: PATH,
  tags: ['tenant'],
  summary: "Change the tenant's policy; role admin",
  description:
    'What is named is set, `null` takes it back (RFC 7396). Levels of rules and further imports are yours to choose; ' +
    'sizes, refused imports, `restricted_python`, `sandbox_floor` and `reuse` can only be stricter than the ' +
    "installation's. It holds for tasks that are submitted from now on, everywhere within five seconds.",
  security: bearerSecurity,
  request: {
    body: {
      required: true,
      content: { 'application/json': { schema: Patch } },
    },
  },
  responses: {
    200: { description: 'The policy as it is now', content },
    ...problemResponses(400, 401, 403, 413, 415, 422, 503),
  },
})

const toPolicyView = ({ policy, settings }: { policy: Policy; settings: PolicySettings }) => {
  const { prechecks, sandboxFloor, reuse } = policy
  return {
    policy: {
      security: prechecks.security,
      rules: prechecks.rules,
      imports: prechecks.imports,
      allow_imports: prechecks.allowImports,
      deny_imports: prechecks.denyImports,
      restricted_python: prechecks.restrictedPython,
      max_files: prechecks.maxFiles,
      max_file_bytes: prechecks.maxFileBytes,
      max_total_bytes: prechecks.maxTotalBytes,
      sandbox_floor: sandboxFloor,
      reuse,
    },
    settings,
  }
}

export const addPolicy = (app: Gateway, { policies, limits }: GatewayDependencies) => {
  app.openapi(read, async (c) => c.json(toPolicyView(await policies.read(c.get('member').tenantId)), 200))

  app.on(
    'PATCH',
    PATH,
    requireRole('admin'),
    readJsonBody({ maxBytes: limits.maxBodyBytes, maxDepth: limits.maxJsonDepth }),
  )
  app.openapi(change, async (c) =>
    c.json(toPolicyView(await policies.change(c.get('member'), c.req.valid('json'))), 200),
  )
}
