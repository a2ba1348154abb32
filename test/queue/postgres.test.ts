import { createDatabase } from '../services/postgres.ts'
import { describeQueue } from './contract.ts'

describeQueue('rows of PostgreSQL', () => createDatabase({ migrated: false }))
