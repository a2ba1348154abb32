import { expect, test } from 'vitest'
import { describeProblem } from '../../../local/demo/problem.ts'

test('a problem is told in one sentence with every fault of the input', async () => {
  const problem = {
    detail: 'The submission is not valid',
    errors: [
      { loc: ['body', 'inputs', 'preload'], msg: 'NaN is not JSON', type: 'json' },
      { loc: ['body', 'files', 0], msg: 'no such upload', type: 'value' },
    ],
  }
  expect(await describeProblem(Response.json(problem, { status: 422 }))).toBe(
    'The submission is not valid (422); body.inputs.preload: NaN is not JSON; body.files.0: no such upload',
  )
})

test('an answer that is no problem document is quoted, not hidden', async () => {
  expect(await describeProblem(new Response('<h1>Bad gateway</h1>', { status: 502 }))).toBe(
    'status 502 <h1>Bad gateway</h1>',
  )
})
