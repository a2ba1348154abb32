import { z } from 'zod'
import { connectionEnv, parseEnv } from '../config/index.ts'
import { connect, migrate } from './index.ts'

const { DATABASE_URL } = parseEnv(z.object({ DATABASE_URL: connectionEnv.DATABASE_URL }), process.env)
const sql = connect(DATABASE_URL, { name: 'migrate', maxConnections: 1, statementTimeoutMs: 0 })
try {
  const names = await migrate(sql)
  console.log(
    names.length === 0 ? 'The schema is up to date.' : names.map((name) => `Ran ${name}`).join('\n'),
  )
} finally {
  await sql.end()
}
