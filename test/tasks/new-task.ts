import type { Sql } from '../../shared/database/index.ts'
import { createId } from '../../shared/id.ts'
import type { NewTask } from '../../shared/tasks/index.ts'
import { createMemberResolver, type Member } from '../../shared/tenants/index.ts'

/** A user of a tenant, recorded. */
export const createMember = (sql: Sql, tenant = 'acme', user = 'ada'): Promise<Member> =>
  createMemberResolver(sql)({
    issuer: 'https://issuer.test',
    subject: user,
    username: user,
    email: undefined,
    givenName: undefined,
    familyName: undefined,
    organizations: [tenant],
    roles: [],
    session: 'test',
  })

/** A submission that is valid as it is. */
export const newTask = (changes: Partial<NewTask> = {}): NewTask => ({
  id: createId(),
  name: undefined,
  lane: 'default',
  priority: 0,
  code: 'def double(x):\n    return 2 * x\n',
  handler: 'double',
  requirements: [],
  sandboxFloor: 'container',
  restrictedPython: false,
  warnings: [],
  inputs: { text: '{"x":291.5}' },
  files: {},
  labels: {},
  functionKey: 'inline:double',
  inputBytes: 11,
  estimate: { seconds: 30, expectedSeconds: 30, source: 'tier' },
  tier: 'small',
  cpu: 1,
  memoryMb: 256,
  timeoutSeconds: 60,
  reuse: 'tenant',
  repeatable: true,
  maxAttempts: 3,
  retryOn: [],
  retryBackoffSeconds: undefined,
  runAt: undefined,
  expiresAt: undefined,
  concurrency: undefined,
  replayOf: undefined,
  ...changes,
})
