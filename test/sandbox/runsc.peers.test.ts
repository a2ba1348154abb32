import { describe } from 'vitest'
import { goToolPath } from '../../setup/go-tools.mjs'
import { describeRuntimeContract } from './contract.ts'
import { describeHostileOutputs } from './hostile-outputs.ts'
import { describeResidue } from './residue.ts'

describe('gVisor', () => {
  const engine = { engine: 'runsc', configure: () => ({ enginePath: goToolPath('runsc') }) } as const
  describeRuntimeContract(engine)
  describeHostileOutputs(engine)
  describeResidue(engine)
})
