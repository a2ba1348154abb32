import { expect, test } from 'vitest'
import { cacheDir } from '../../setup/paths.mjs'
import { ensureDefaultEnvironment } from '../../shared/environments/index.ts'
import { withEnvironment } from '../../shared/tasks/with-environment.ts'

const environment = await ensureDefaultEnvironment({ dataDir: cacheDir })
const { signal } = new AbortController()
const never = async (): Promise<never> => {
  throw new Error('it ran')
}

test('a task without requirements runs in the default environment, whether others are built or not', async () => {
  let ran: string | undefined
  await withEnvironment(
    { environment, environments: undefined },
    { requirements: [] },
    signal,
    async ({ id }) => {
      ran = id
      return { outcome: 'cancelled' }
    },
  )
  expect(ran).toBe(environment.id)
})

test('a worker without a package index leaves a task with requirements to another one', async () => {
  const environments = { environment, environments: undefined }
  expect(await withEnvironment(environments, { requirements: ['attrs'] }, signal, never)).toMatchObject({
    outcome: 'failed',
    failureCode: 'sandbox_error',
    message: expect.stringContaining('PACKAGE_INDEX_URL'),
  })
})
