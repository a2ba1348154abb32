import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import { createDatabase } from '../services/postgres.ts'

let sql: Sql
beforeAll(async () => {
  sql = connect(await createDatabase({ migrated: false }), { name: 'test', maxConnections: 1 })
})
afterAll(() => sql.end())

const noNul = fc
  .string({ unit: 'grapheme' })
  .filter((text) => !text.includes('\u0000') && text.isWellFormed())

test('arrays come back from PostgreSQL as they were sent, whatever is in them', async () => {
  const hostile = fc.constantFrom('NULL', 'null', '', '"', '\\', '{}', 'a,b', ' ', '\n', '{"a"}', "'")
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(hostile, noNul, fc.constant(null)), { maxLength: 20 }),
      fc.array(fc.double({ noNaN: true })),
      fc.array(fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))),
      fc.array(fc.option(fc.constant(true))),
      fc.array(fc.uuid()),
      async (texts, doubles, integers, flags, ids) => {
        const [row] = await sql`
          select
            ${texts}::text[] as texts, ${doubles}::double precision[] as doubles, ${integers}::integer[] as integers,
            ${flags.map((flag) => flag && String(flag))}::boolean[] as flags, ${ids}::uuid[] as ids`
        expect(row).toEqual({
          texts,
          // PostgreSQL does not tell one zero from the other in its text.
          doubles: doubles.map((double) => (Object.is(double, -0) ? expect.closeTo(0) : double)),
          integers,
          flags,
          ids,
        })
      },
    ),
    { numRuns: 60 },
  )
})

test('an array of bigints is text, number by number', async () => {
  const [row] = await sql`select array[1, 9007199254740993]::bigint[] as big, '{}'::smallint[] as none`
  expect(row).toEqual({ big: ['1', '9007199254740993'], none: [] })
})

test('an array of several dimensions is refused', async () => {
  await expect(sql`select '{{1,2},{3,4}}'::integer[] as square`).rejects.toThrow('one dimension')
})
