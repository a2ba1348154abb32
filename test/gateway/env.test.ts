import { expect, test } from 'vitest'
import { readGatewayEnv } from '../../functions/gateway/env.ts'

const complete = {
  DATABASE_URL: 'postgres://localhost/mecapy',
  QUEUE_URL: 'redis://localhost',
  STORAGE_URL: 's3://bucket',
  PUBLIC_URL: 'https://mecapy.test',
  OIDC_ISSUER: 'https://issuer.test',
}

test('an installation sets no policy unless it says so', () => {
  expect(readGatewayEnv(complete).TENANT_POLICY).toEqual({})
  const TENANT_POLICY = '{"sandbox_floor":"kernel","rules":{"S301":"error"}}'
  expect(readGatewayEnv({ ...complete, TENANT_POLICY }).TENANT_POLICY).toEqual({
    sandbox_floor: 'kernel',
    rules: { S301: 'error' },
  })
})

test.each([
  ['that is not JSON', 'strict'],
  ['with an unknown member', '{"sandbox_flor":"kernel"}'],
  ['with an unknown level', '{"sandbox_floor":"none"}'],
])(
  'a policy %s keeps the gateway from starting, and every other fault is named with it',
  (_, TENANT_POLICY) => {
    const start = () => readGatewayEnv({ ...complete, TENANT_POLICY, PRECHECK_THREADS: '0' })
    expect(start).toThrow(/TENANT_POLICY/)
    expect(start).toThrow(/PRECHECK_THREADS/)
  },
)
