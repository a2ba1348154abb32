import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAttacks } from './attack.ts'
import { ENGINES } from './engines.ts'
import { readHostState } from './host.ts'
import { startTarget, type Target } from './target.ts'

const attacks = readAttacks()
const START_TIMEOUT_MS = 90_000

describe.each(ENGINES)('$name', (engine) => {
  let target: Target
  let pids: ReturnType<Target['listPids']>
  const before = readHostState()
  beforeAll(async () => {
    target = await startTarget(engine)
    pids = target.listPids()
  }, START_TIMEOUT_MS)
  afterAll(() => target?.stop(), START_TIMEOUT_MS)

  describe.concurrent('holds against', () => {
    it.each(attacks)('$name', async (attack) => {
      expect(await target.attack(attack)).toEqual([])
    })
  })

  it('is unharmed', async () => {
    expect(target.listPids()).toEqual(pids)
    expect(await target.listTouchedBaits()).toEqual([])
    expect(await target.listErrors()).toEqual([])
    expect(readHostState()).toEqual(before)
  })
})
