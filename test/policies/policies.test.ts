import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import { openPolicies, PolicySettings } from '../../shared/policies/index.ts'
import { resolvePolicy } from '../../shared/policies/resolve-policy.ts'
import { createDatabase } from '../services/postgres.ts'
import { createMember } from '../tasks/new-task.ts'

let sql: Sql
beforeAll(async () => {
  sql = connect(await createDatabase(), { name: 'test policies' })
})
afterAll(() => sql.end())

test('a change holds at once where it was made, and elsewhere once what is known is no longer fresh', async () => {
  const member = await createMember(sql)
  const [here, elsewhere] = [
    openPolicies({ sql, installation: {}, freshMs: 3_600_000 }),
    openPolicies({ sql, installation: {}, freshMs: 0 }),
  ]
  expect((await here.get(member.tenantId)).reuse).toBe('tenant')
  await here.change(member, { reuse: 'never' })
  expect((await here.get(member.tenantId)).reuse).toBe('never')
  expect((await elsewhere.get(member.tenantId)).reuse).toBe('never')
})

test('what was set before the installation became stricter holds nobody to less, and stands in the way of no change', async () => {
  const member = await createMember(sql, 'earlier')
  await openPolicies({ sql, installation: {} }).change(member, { sandbox_floor: 'container', max_files: 400 })
  const stricter = openPolicies({ sql, installation: { sandbox_floor: 'kernel', max_files: 100 } })
  const { policy } = await stricter.change(member, { security: 'error' })
  expect(policy).toMatchObject({ sandboxFloor: 'kernel', prechecks: { maxFiles: 100, security: 'error' } })
})

const settings = fc
  .record(
    {
      deny_imports: fc.array(fc.constantFrom('os', 'sys', 'numpy')),
      restricted_python: fc.boolean(),
      max_files: fc.integer({ min: 1, max: 5_000 }),
      sandbox_floor: fc.constantFrom('container' as const, 'kernel' as const),
      reuse: fc.constantFrom('tenant' as const, 'never' as const),
    },
    { requiredKeys: [] },
  )
  .map((written) => PolicySettings.parse(written))

test('no tenant’s settings make a wall of the installation weaker', () => {
  fc.assert(
    fc.property(settings, settings, (installation, tenant) => {
      const [alone, both] = [resolvePolicy(installation, {}), resolvePolicy(installation, tenant)]
      expect(both.prechecks.denyImports).toEqual(expect.arrayContaining(alone.prechecks.denyImports))
      expect(both.prechecks.maxFiles).toBeLessThanOrEqual(alone.prechecks.maxFiles)
      if (alone.prechecks.restrictedPython) expect(both.prechecks.restrictedPython).toBe(true)
      if (alone.sandboxFloor === 'kernel') expect(both.sandboxFloor).toBe('kernel')
      if (alone.reuse === 'never') expect(both.reuse).toBe('never')
    }),
  )
})
