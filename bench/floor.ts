import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { connect } from '../shared/database/index.ts'
import { percentiles } from './statistics.ts'

const run = promisify(execFile)

/** The real interpreter: a version manager's shim would cost more than what is measured. */
const findPython = async (): Promise<string> =>
  (await run('python3', ['-c', 'import sys; print(sys.executable)'])).stdout.trim()

/** Milliseconds of a bare `python3 -I -c pass`, one after the other. */
export const measureBarePython = async (runs: number) => {
  const python = await findPython()
  const samples: number[] = []
  for (let index = 0; index < runs; index += 1) {
    const start = performance.now()
    await run(python, ['-I', '-c', 'pass'])
    samples.push(performance.now() - start)
  }
  return percentiles(samples)
}

/** Single-row inserts a second, each its own transaction, over `connections` connections. */
export const measureInserts = async (
  databaseUrl: string,
  connections: number,
  rows: number,
): Promise<number> => {
  const sql = connect(databaseUrl, { name: 'bench', maxConnections: connections })
  try {
    await sql`create table if not exists bench_rows (id bigint generated always as identity primary key, payload text)`
    await sql`truncate bench_rows`
    await Promise.all(Array.from({ length: connections }, () => sql`select 1`))
    const start = performance.now()
    await Promise.all(
      Array.from({ length: connections }, async () => {
        for (let index = 0; index < rows / connections; index += 1) {
          await sql`insert into bench_rows (payload) values (${'x'.repeat(200)})`
        }
      }),
    )
    return rows / ((performance.now() - start) / 1_000)
  } finally {
    await sql`drop table if exists bench_rows`
    await sql.end()
  }
}
