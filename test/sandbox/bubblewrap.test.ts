import { describe } from 'vitest'
import { describeRuntimeContract } from './contract.ts'

describe('bubblewrap', () => describeRuntimeContract('bubblewrap'))
