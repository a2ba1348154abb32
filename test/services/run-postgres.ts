/**
 * The one PostgreSQL of a test run: real, embedded, without a disk to wait for, and with a migrated database that
 * `createDatabase` (postgres.ts) copies for each test file.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startLocalPostgres } from '../../local/postgres.ts'
import { connect, migrate, provisionLogin } from '../../shared/database/index.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server's own database, for creating others. */
    postgresUrl: string
  }
}

/** The logins that gateways and the platform's own processes have in production, for `loginUrl` (postgres.ts). */
export const TEST_LOGINS = {
  gateway: { name: 'test_gateway', password: 'gateway' },
  platform: { name: 'test_platform', password: 'platform' },
} as const

export const TEMPLATE_DATABASE = 'mecapy_template'

// Only crash tests need a disk, and they run a server of their own.
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: '300' }

const createTemplate = async (url: string): Promise<void> => {
  const server = connect(url, { name: 'test run', maxConnections: 1 })
  await server.unsafe(`create database ${TEMPLATE_DATABASE}`)
  await server.end()
  const template = connect(new URL(TEMPLATE_DATABASE, url).href, { name: 'test run', maxConnections: 1 })
  await migrate(template)
  await provisionLogin(template, { kind: 'gateway', ...TEST_LOGINS.gateway })
  await provisionLogin(template, { kind: 'platform', ...TEST_LOGINS.platform })
  await template.end()
}

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const directory = await mkdtemp(join(tmpdir(), 'mecapy-test-'))
  const postgres = await startLocalPostgres(directory, { settings: SETTINGS })
  const stop = async () => {
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await createTemplate(postgres.url)
  } catch (error) {
    await stop()
    throw error
  }
  project.provide('postgresUrl', postgres.url)
  return stop
}
