import { describe } from 'vitest'
import { describeRuntimeContract } from './contract.ts'
import { describeHostileOutputs } from './hostile-outputs.ts'
import { describeResidue } from './residue.ts'

describe('runc', () => {
  const engine = { engine: 'runc' } as const
  describeRuntimeContract(engine)
  describeHostileOutputs(engine)
  describeResidue(engine)
})
