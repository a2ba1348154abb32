import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
let tenants = 0
beforeAll(async () => {
  gateway = await startTestGateway({
    installation: {
      rules: { S101: 'warning' },
      deny_imports: ['os'],
      sandbox_floor: 'kernel',
      max_files: 10,
    },
  })
})
afterAll(() => gateway.stop())

type Policy = { policy: Record<string, unknown>; settings: Record<string, unknown> }

/** A tenant of its own for each test. */
const createTenant = async () => {
  tenants += 1
  const tenant = `tenant-${tenants}`
  const [admin, user] = await Promise.all([
    gateway.token(tenant, 'ada', ['user', 'admin']),
    gateway.token(tenant, 'bob', ['user']),
  ])
  return {
    read: async () =>
      (await (await gateway.fetch('GET', '/tenant/policy', { token: user })).json()) as Policy,
    change: (patch: object, token = admin) =>
      gateway.fetch('PATCH', '/tenant/policy', { body: JSON.stringify(patch), token }),
    user,
  }
}

test('a tenant that set nothing follows the installation', async () => {
  const { policy, settings } = await (await createTenant()).read()
  expect(settings).toEqual({})
  expect(policy).toEqual({
    security: 'warning',
    rules: { S101: 'warning' },
    imports: 'error',
    allow_imports: [],
    deny_imports: ['os'],
    restricted_python: false,
    max_files: 10,
    max_file_bytes: 524_288,
    max_total_bytes: 4_194_304,
    sandbox_floor: 'kernel',
    reuse: 'tenant',
  })
})

test('an administrator sets a part, and takes it back with null', async () => {
  const { change, read } = await createTenant()
  expect((await change({ security: 'error', rules: { S102: 'off', S301: 'error' } })).status).toBe(200)
  const answer = (await (await change({ rules: { S102: null }, allow_imports: ['pandas'] })).json()) as Policy
  expect(answer).toEqual(await read())
  expect(answer.settings).toEqual({ security: 'error', rules: { S301: 'error' }, allow_imports: ['pandas'] })
  expect(answer.policy).toMatchObject({ rules: { S101: 'warning', S301: 'error' }, deny_imports: ['os'] })
  await change({ security: null, rules: null, allow_imports: null })
  expect((await read()).settings).toEqual({})
})

test('nobody but an administrator changes it', async () => {
  const { change, read, user } = await createTenant()
  expect((await change({ security: 'off' }, user)).status).toBe(403)
  expect((await read()).settings).toEqual({})
})

test('a wall of the installation can be made stronger and not weaker', async () => {
  const { change, read } = await createTenant()
  const refused = await change({ sandbox_floor: 'container', max_files: 11, security: 'off' })
  expect(refused.status).toBe(422)
  const { errors } = (await refused.json()) as { errors: { loc: string[]; type: string }[] }
  expect(errors.map(({ loc }) => loc.join('.'))).toEqual(['body.max_files', 'body.sandbox_floor'])
  expect((await read()).settings).toEqual({})
  expect((await change({ sandbox_floor: 'kernel', max_files: 9, deny_imports: ['sys'] })).status).toBe(200)
  expect((await read()).policy).toMatchObject({ max_files: 9, deny_imports: ['os', 'sys'] })
})

test.each([
  ['an unknown member', { colour: 'red' }],
  ['an unknown level', { security: 'fatal' }],
  ['a rule that is none of the security rules', { rules: { E501: 'off' } }],
  ['a size of nothing', { max_files: 0 }],
  ['a size beyond the ceiling', { max_file_bytes: 2_097_153 }],
  ['a module name that is none', { allow_imports: ['os; import socket'] }],
])('%s is refused', async (_, patch) => {
  const { change, read } = await createTenant()
  expect((await change(patch)).status).toBe(422)
  expect((await read()).settings).toEqual({})
})

test('two changes at one moment are both kept', async () => {
  const { change, read } = await createTenant()
  const codes = ['S101', 'S102', 'S103', 'S104', 'S105']
  await Promise.all(codes.map((code) => change({ rules: { [code]: 'off' } })))
  expect(Object.keys((await read()).settings['rules'] as object).sort()).toEqual(codes)
})
