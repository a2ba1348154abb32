import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, openTenantDatabase, type Sql, type TenantDatabase } from '../../shared/database/index.ts'
import { createId } from '../../shared/id.ts'
import { submitTasks } from '../../shared/tasks/index.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { createDatabase, loginUrl } from '../services/postgres.ts'
import { createMember, newTask } from '../tasks/new-task.ts'

let owner: Sql
let gateway: Sql
let database: TenantDatabase
let platform: Sql
let acme: Member
let forge: Member
beforeAll(async () => {
  const url = await createDatabase()
  owner = connect(url, { name: 'owner', maxConnections: 2 })
  gateway = connect(loginUrl(url, 'gateway'), { name: 'gateway', maxConnections: 1 })
  database = openTenantDatabase(loginUrl(url, 'gateway'), { name: 'gateway', maxConnections: 3 })
  platform = connect(loginUrl(url, 'platform'), { name: 'platform', maxConnections: 2 })
  acme = await createMember(owner, 'acme', 'ada')
  forge = await createMember(owner, 'forge', 'eva')
  await submitTasks(owner, [
    { member: acme, task: newTask() },
    { member: acme, task: newTask() },
    { member: forge, task: newTask() },
  ])
})
afterAll(() => Promise.all([owner.end(), database.end(), gateway.end(), platform.end()]))

const countTasks = async (sql: Sql) => {
  const [row] = await sql<[{ count: number }]>`select count(*)::int as count from tasks`
  return row.count
}

describe('a gateway’s login', () => {
  test('sees nothing unless it says for whom', async () => {
    expect(await countTasks(gateway)).toBe(0)
    await expect(submitTasks(gateway, [{ member: acme, task: newTask() }])).rejects.toThrow(
      'row-level security',
    )
  })

  test('sees the tenants that it names, and no other', async () => {
    expect(await countTasks(database.asTenants([acme.tenantId]))).toBe(2)
    expect(await countTasks(database.asTenants([forge.tenantId]))).toBe(1)
    expect(await countTasks(database.asTenants([acme.tenantId, forge.tenantId]))).toBe(3)
    expect(await countTasks(database.asTenants([]))).toBe(0)
  })

  test('writes for the tenants that it names, and for no other', async () => {
    const view = database.asTenants([acme.tenantId])
    await expect(submitTasks(view, [{ member: forge, task: newTask() }])).rejects.toThrow(
      'row-level security',
    )
    await view`update tasks set name = 'mine'`
    await view`delete from tasks where tenant_id = ${forge.tenantId}`
    expect(await owner`select name from tasks where tenant_id = ${forge.tenantId}`).toEqual([{ name: null }])
    await expect(view`update tasks set tenant_id = ${forge.tenantId}`).rejects.toThrow('row-level security')
  })

  test('has its tenant in each of many statements at once', async () => {
    const counts = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        countTasks(database.asTenants([[], [acme.tenantId], [forge.tenantId]][i % 3] ?? [])),
      ),
    )
    expect(counts).toEqual(Array.from({ length: 60 }, (_, i) => [0, 2, 1][i % 3]))
  })

  test('finds in the directory who belongs where, and none of a tenant’s work', async () => {
    const directory = database.asDirectory()
    expect(await directory`select slug from tenants order by slug`).toEqual([
      { slug: 'acme' },
      { slug: 'forge' },
    ])
    expect(await countTasks(directory)).toBe(0)
    const view = database.asTenants([acme.tenantId])
    expect(await view`select slug from tenants`).toEqual([{ slug: 'acme' }])
    expect(await gateway`select slug from tenants`).toEqual([])
  })
})

test('a platform’s login sees all tenants, and no key of theirs', async () => {
  expect(await countTasks(platform)).toBe(3)
  await expect(platform`select * from api_keys`).rejects.toThrow('permission denied')
})

describe('a view of the database', () => {
  test('runs a statement once, however often it is awaited', async () => {
    const view = database.asTenants([acme.tenantId])
    const name = createId()
    const statement = view<{ id: string }[]>`
      insert into workflows (id, tenant_id, user_id, slug, name)
      values (${createId()}, ${acme.tenantId}, ${acme.userId}, ${name}, ${name}) returning id`
    expect(await statement).toHaveLength(1)
    expect(await statement).toHaveLength(1)
    expect(await view`select 1 from workflows where slug = ${name}`).toHaveLength(1)
  })

  test('takes a statement apart from its parts', async () => {
    const view = database.asTenants([acme.tenantId])
    const filter = view`where tenant_id = ${acme.tenantId}`
    const columns = view(['id', 'tenant_id'])
    expect(await view`select ${columns} from tasks ${filter}`).toHaveLength(2)
  })

  test('leaves nothing behind of a statement that failed', async () => {
    const view = database.asTenants([acme.tenantId])
    await expect(view`select 1 / 0`).rejects.toThrow('division by zero')
    const failing = await Promise.allSettled(Array.from({ length: 6 }, () => view`select nothing`))
    expect(new Set(failing.map(({ status }) => status))).toEqual(new Set(['rejected']))
    expect(await countTasks(view)).toBe(2)
  })

  test('works again after its connections were cut in the middle', async () => {
    const view = database.asTenants([acme.tenantId])
    const sleeping = Promise.allSettled(Array.from({ length: 3 }, () => view`select pg_sleep(30)`))
    const isAsleep = owner`
      datname = current_database() and usename = 'test_gateway' and query like '%pg_sleep(30)%'`
    await expect
      .poll(() => owner`select from pg_stat_activity where ${isAsleep}`, { timeout: 10_000 })
      .toHaveLength(3)
    await owner`select pg_terminate_backend(pid) from pg_stat_activity where ${isAsleep}`
    expect((await sleeping).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect.poll(() => countTasks(view).catch(() => 'away'), { timeout: 10_000 }).toBe(2)
  })

  test('refuses what would escape it', () => {
    const view = database.asTenants([acme.tenantId])
    expect(() => view.unsafe('select 1')).toThrow('not for a tenant')
    expect(() => view.begin(() => [])).toThrow('not for a tenant')
  })
})
