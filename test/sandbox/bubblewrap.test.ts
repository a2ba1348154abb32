import { describe } from 'vitest'
import { describeRuntimeContract } from './contract.ts'
import { describeHostileOutputs } from './hostile-outputs.ts'
import { describeResidue } from './residue.ts'

describe('bubblewrap', () => {
  const engine = { engine: 'bubblewrap' } as const
  describeRuntimeContract(engine)
  describeHostileOutputs(engine)
  describeResidue(engine)
})
