import { afterAll, beforeAll, describe } from 'vitest'
import { describeRuntimeContract } from './contract.ts'
import { describeHostileOutputs } from './hostile-outputs.ts'
import { describeResidue } from './residue.ts'
import { type Dockerd, runDockerd } from './run-dockerd.ts'

describe('Docker', () => {
  let dockerd: Dockerd | undefined
  beforeAll(async () => {
    dockerd = await runDockerd()
  })
  afterAll(() => dockerd?.stop())
  const engine = { engine: 'docker', configure: () => ({ dockerSocket: dockerd?.socketPath ?? '' }) } as const
  describeRuntimeContract(engine)
  describeHostileOutputs(engine)
  describeResidue(engine)
})
