import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimTask } from '../../shared/tasks/index.ts'
import { addWorker } from '../tasks/admit.ts'
import { startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.stop())

type Fault = { loc: (string | number)[]; msg: string; type: string }
type Answer = { id: string; detail: string; errors: Fault[]; warnings: Record<string, unknown>[] }

const submit = async (code: string, more: object = {}, headers: Record<string, string> = {}) => {
  const body = JSON.stringify({ code, handler: 'main', ...more })
  const response = await gateway.fetch('POST', '/tasks', { body, headers })
  return { status: response.status, answer: (await response.json()) as Answer }
}

describe('a source that is refused', () => {
  test('is a 422 with every finding: file, line, rule and how to fix it', async () => {
    const { status, answer } = await submit('import socket\nimport os\nos.system("/bin/ls")\n')
    expect(status).toBe(422)
    expect(answer.errors).toEqual([
      {
        loc: ['body', 'code', 'main.py', 1, 8],
        type: 'import-not-allowed',
        msg: expect.stringContaining('ask your administrator to allow it'),
      },
      {
        loc: ['body', 'code', 'main.py', 3, 1],
        type: 'S605',
        msg: expect.stringContaining('main.py:3:1 S605: '),
      },
    ])
    expect(answer.detail).toContain('`import socket` is not among the allowed imports')
  })

  test('is told of together with all other faults of the submission', async () => {
    const upload = '018f2f6e-7c1b-7c3e-8a55-0123456789ab'
    const { answer } = await submit('def main(\n', { files: { mesh: upload }, requirements: ['-e .'] })
    const kinds = new Set(answer.errors.map(({ type }) => type))
    expect([...kinds].sort()).toEqual(['requirement', 'syntax', 'unknown_upload'])
  })

  test('leaves no task', async () => {
    await submit('import ctypes\n', { name: 'refused' })
    expect(await gateway.dependencies.sql`select 1 from tasks where name = 'refused'`).toHaveLength(0)
  })
})

test('docstrings and comments trigger nothing', async () => {
  const code = '"""import socket; exec(1)"""\n# import socket\ndef main():\n    "eval(1)"\n'
  const { status, answer } = await submit(code)
  expect(status).toBe(202)
  expect(answer.warnings).toEqual([])
})

test('warnings go along with the task, at once and later', async () => {
  const { status, answer } = await submit('import pickle\ndef main():\n    pickle.loads(b"")\n')
  expect(status).toBe(202)
  expect(answer.warnings).toEqual([
    {
      file: 'main.py',
      line: 3,
      column: 5,
      rule: 'S301',
      message: expect.any(String),
      fix: expect.stringContaining('json'),
    },
  ])
  const later = (await (await gateway.fetch('GET', `/tasks/${answer.id}`)).json()) as Answer
  expect(later.warnings).toEqual(answer.warnings)
})

test('a hundred warnings are kept, and no more', async () => {
  const lines = (count: number) => `import pickle\n${'pickle.loads(b"")\n'.repeat(count)}`
  expect((await submit(lines(100))).answer.warnings).toHaveLength(100)
  expect((await submit(lines(101))).answer.warnings).toHaveLength(100)
})

test('the same request again answers the first task with its warnings', async () => {
  const code = 'import pickle\ndef main():\n    pickle.loads(b"x")\n'
  const headers = { 'idempotency-key': 'warned' }
  const [first, again] = [await submit(code, {}, headers), await submit(code, {}, headers)]
  expect(again.answer.id).toBe(first.answer.id)
  expect(again.answer.warnings).toEqual(first.answer.warnings)
})

test('a task with requirements may import whatever they bring, and no refused part of the standard library', async () => {
  const pandas = 'import pandas\nfrom sklearn.svm import SVC\n'
  expect((await submit(pandas)).status).toBe(422)
  expect((await submit(pandas, { requirements: ['pandas', 'scikit-learn'] })).status).toBe(202)
  expect((await submit('import socket\n', { requirements: ['pandas'] })).status).toBe(422)
})

describe('the policy', () => {
  test('goes with the task to the worker', async () => {
    const tenant = 'walled'
    const admin = await gateway.token(tenant, 'ada', ['admin'])
    const settings = { sandbox_floor: 'kernel', reuse: 'never', restricted_python: true }
    await gateway.fetch('PATCH', '/tenant/policy', { body: JSON.stringify(settings), token: admin })
    const body = JSON.stringify({ code: 'def main(): return 1\n', handler: 'main', reuse: 'tenant' })
    const response = await gateway.fetch('POST', '/tasks', { body, token: admin })
    const { id } = (await response.json()) as Answer
    const { sql, dispatcher } = gateway.dependencies
    await addWorker(sql, { default: 1 }, 'kernel')
    await dispatcher.dispatch('default')
    expect(await claimTask(sql, { taskId: id }, 'too weak', 30, 'container')).toBeUndefined()
    expect(await claimTask(sql, { taskId: id }, 'strong enough', 30, 'kernel')).toMatchObject({
      reuse: 'never',
      restrictedPython: true,
    })
  })

  test('of one tenant is not another’s', async () => {
    const token = await gateway.token('lenient', 'ada', ['admin'])
    await gateway.fetch('PATCH', '/tenant/policy', { body: '{"allow_imports":["socket"]}', token })
    const body = JSON.stringify({ code: 'import socket\n', handler: 'main' })
    expect((await gateway.fetch('POST', '/tasks', { body, token })).status).toBe(202)
    expect((await gateway.fetch('POST', '/tasks', { body })).status).toBe(422)
  })
})
