import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChild } from '../../local/child.ts'
import { connect, type Sql } from '../../shared/database/index.ts'
import { type ObjectStore, openStore } from '../../shared/storage/index.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { createDatabase, loginUrl } from '../services/postgres.ts'
import { createMember } from '../tasks/new-task.ts'
import { compareStore, keepTask, keepUpload, listObjects } from './kept-task.ts'

const TASKS = 120
const KILLS = 4
const SIGNING_KEY = 'signing-key-of-a-test-0123456789abcdef'

let databaseUrl: string
let sql: Sql
let store: ObjectStore
let directory: string
let storageUrl: string
let member: Member
beforeAll(async () => {
  databaseUrl = await createDatabase()
  sql = connect(databaseUrl, { name: 'test' })
  directory = await mkdtemp(join(tmpdir(), 'retention-'))
  storageUrl = `${pathToFileURL(join(directory, 'objects')).href}?flush=off`
  store = await openStore(storageUrl, { publicUrl: 'http://localhost', signingKeys: [SIGNING_KEY] })
  member = await createMember(sql)
  for (let index = 0; index < TASKS; index += 1)
    await keepTask(sql, store, member, { days: index % 2 === 0 ? 400 : 100 })
  for (let index = 0; index < TASKS / 4; index += 1) await keepUpload(sql, store, member, 2)
}, 60_000)
afterAll(async () => {
  await store.close()
  await sql.end()
  await rm(directory, { recursive: true })
})

const countLeft = async () => {
  const [row] = await sql<[{ left: number; noted: number }]>`
    select
      ((select count(*) from events) + (select count(*) from artifacts) + (select count(*) from uploads))::int as left,
      (select count(*) from object_deletions)::int as noted`
  return row
}
const startJanitor = () => {
  const child = startChild({
    name: 'janitor',
    entry: new URL('../../workers/janitor/main.ts', import.meta.url),
    env: {
      DATABASE_URL: loginUrl(databaseUrl, 'platform'),
      QUEUE_URL: databaseUrl,
      STORAGE_URL: storageUrl,
      STORAGE_SIGNING_KEYS: SIGNING_KEY,
      PUBLIC_URL: 'http://localhost',
      RETENTION_INTERVAL_MS: '10',
      JANITOR_BATCH: '1',
    },
    logFile: join(directory, 'janitor.log'),
    stopTimeoutMs: 10_000,
    onGaveUp: () => {},
  })
  return {
    kill: async () => {
      if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL')
      await child.stop()
    },
    stop: () => child.stop(),
  }
}

test('a janitor killed at any line leaves no object that nothing knows of, and no name of an object that is gone', {
  timeout: 90_000,
}, async () => {
  const whole = await countLeft()
  let janitor = startJanitor()
  try {
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const share = whole.left * (1 - kill / (KILLS + 2))
      const poll = async () => {
        // Deletions of objects come 20 minutes later: brought forward, so that it is killed among them, too.
        await sql`update object_deletions set due_at = now() where due_at > now() + interval '2 minutes'`
        return (await countLeft()).left
      }
      await expect.poll(poll, { timeout: 20_000, interval: 2 }).toBeLessThan(share)
      await janitor.kill()
      expect(await compareStore(sql, store)).toEqual({ unreachable: [], dangling: [] })
      janitor = startJanitor()
    }
    const settle = async () => {
      await sql`update object_deletions set due_at = now()`
      return await countLeft()
    }
    await expect.poll(settle, { timeout: 30_000, interval: 100 }).toEqual({ left: 0, noted: 0 })
  } finally {
    await janitor.stop()
  }
  expect(await compareStore(sql, store)).toEqual({ unreachable: [], dangling: [] })
  // Of the tasks that are a hundred days old nothing is left but what they were given.
  expect(await listObjects(store)).toHaveLength(TASKS / 2)
})
