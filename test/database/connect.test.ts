import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { connect } from '../../shared/database/index.ts'
import { startFaultyNetwork } from '../queue/faulty-network.ts'
import { createDatabase } from '../services/postgres.ts'

// A rejection that nobody handles would fail this file, and end a process of the platform.
test('a connection that breaks while it is made fails who asked for it, and nothing else', async () => {
  const network = await startFaultyNetwork(await createDatabase({ migrated: false }))
  let answered = 0
  for (let afterMs = 0; afterMs < 20; afterMs += 0.25) {
    const sql = connect(network.url, { name: 'test', maxConnections: 1 })
    const asking = sql<[{ ids: string[] }]>`select array['a']::text[] as ids`.then(
      ([{ ids }]) => ids,
      () => ['broken'],
    )
    await delay(afterMs)
    network.breakConnections()
    const ids = await asking
    expect(['a', 'broken']).toContain(ids[0])
    if (ids[0] === 'a') answered += 1
    await sql.end({ timeout: 0 })
  }
  expect(answered).toBeGreaterThan(0)
  await network.stop()
})
