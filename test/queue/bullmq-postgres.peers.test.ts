import { createDatabase } from '../services/postgres.ts'
import { describeQueue } from './contract.ts'

describeQueue('BullMQ on PostgreSQL', async () => `bullmq+${await createDatabase({ migrated: false })}`)
