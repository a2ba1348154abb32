import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../functions/gateway/app.ts'
import { notify } from '../../shared/database/index.ts'
import { finishAttempt } from '../../shared/tasks/index.ts'
import { admitAndClaim } from '../tasks/admit.ts'
import { startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.stop())

const code = 'def echo(x):\n    return x\n'
const body = (inputs = '{}', members = '') =>
  `{"code":${JSON.stringify(code)},"handler":"echo","inputs":${inputs}${members}}`
const submit = (text = body(), headers: Record<string, string> = {}) =>
  gateway.fetch('POST', '/tasks', { body: text, headers })
const submitted = async (text = body()) => ((await (await submit(text)).json()) as { id: string }).id
const finish = async (id: string, result: string) => {
  const { sql } = gateway.dependencies
  const claim = await admitAndClaim(sql, id)
  const end = {
    outcome: 'completed' as const,
    result: { text: result, sizeBytes: result.length },
    artifacts: [],
  }
  await finishAttempt(sql, claim, end)
  await notify(sql, 'task_ended', id)
}
type ProblemBody = { status: number; detail: string; errors?: { loc: (string | number)[]; msg: string }[] }

describe('submitting', () => {
  test('a task is accepted, recorded and located', async () => {
    const response = await submit()
    expect(response.status).toBe(202)
    const task = (await response.json()) as { id: string; status: string; lane: string }
    expect(task).toMatchObject({ status: 'queued', lane: 'default', estimate: { source: 'tier' } })
    expect(response.headers.get('location')).toBe(`/tasks/${task.id}`)
  })

  test.each([
    ['4.9', 'high_priority'],
    ['5', 'default'],
    ['299.9', 'default'],
    ['300', 'long_running'],
  ])('an estimate of %s seconds picks %s', async (seconds, lane) => {
    const response = await submit(body('{}', `,"estimated_seconds":${seconds}`))
    expect(await response.json()).toMatchObject({
      lane,
      estimate: { seconds: Number(seconds), source: 'caller' },
    })
  })

  test('every fault of a submission is told at once', async () => {
    const response = await submit('{"handler":"1bad","priority":10,"colour":"red"}')
    expect(response.status).toBe(422)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const problem = (await response.json()) as ProblemBody
    const places = problem.errors?.map(({ loc }) => loc.join('.'))
    expect(places).toEqual(expect.arrayContaining(['body.code', 'body.handler', 'body.priority', 'body']))
    expect(problem.detail).toContain('body.priority')
  })

  test('requirements are kept as they were stated', async () => {
    const response = await submit(body('{}', ',"requirements":["pandas>=2.2,<3","attrs"]'))
    expect(await response.json()).toMatchObject({ requirements: ['pandas>=2.2,<3', 'attrs'] })
  })

  test('every line of requirements that chooses where code comes from is refused', async () => {
    const lines = ['attrs', '--index-url=https://example.org', 'attrs @ https://example.org/attrs.whl', '']
    const response = await submit(body('{}', `,"requirements":${JSON.stringify(lines)}`))
    expect(response.status).toBe(422)
    const { errors } = (await response.json()) as ProblemBody
    expect(errors?.map(({ loc }) => loc.join('.'))).toEqual([1, 2, 3].map((at) => `body.requirements.${at}`))
  })

  test('more requirements than configured are refused, however many', async () => {
    const names = (count: number) => JSON.stringify(Array.from({ length: count }, (_, at) => `package${at}`))
    expect((await submit(body('{}', `,"requirements":${names(5)}`))).status).toBe(202)
    for (const count of [6, 5_000]) {
      const response = await submit(body('{}', `,"requirements":${names(count)}`))
      expect(response.status).toBe(422)
      expect(((await response.json()) as ProblemBody).errors).toHaveLength(1)
    }
  })

  test.each([
    ['NaN', '{"x":NaN}', 'inputs.x'],
    ['a number too large for a double', '{"x":1e400}', 'inputs.x'],
    ['a name given twice', '{"x":1,"x":2}', 'inputs.x'],
    ['nesting 10,000 deep', `{"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'inputs.x'],
  ])('%s in the inputs is refused with its place', async (_, inputs, place) => {
    const response = await submit(body(inputs))
    expect(response.status).toBe(400)
    const problem = (await response.json()) as ProblemBody
    expect(problem.errors?.[0]?.loc.join('.')).toContain(`body.${place}`)
  })

  test.each(['583.0', '9223372036854775809', '"\\ud800"', '1E5', '-0.0', '[ 1,  2 ]'])(
    '%s reaches the worker to the letter',
    async (value) => {
      const inputs = `{ "x" : ${value} }`
      const claim = await admitAndClaim(gateway.dependencies.sql, await submitted(body(inputs)))
      expect(claim.inputs).toBe(inputs)
    },
  )

  test('large inputs lie in the object store, to the letter', async () => {
    const inputs = `{"x":"${'y'.repeat(2_000)}","z":1.0}`
    const claim = await admitAndClaim(gateway.dependencies.sql, await submitted(body(inputs)))
    expect(claim.inputs).toBeNull()
    const object = await gateway.dependencies.store.get(claim.inputsObjectKey ?? '')
    expect(Buffer.concat((await object?.body.toArray()) ?? []).toString()).toBe(inputs)
  })

  test.each([
    ['text/plain', 415],
    ['application/json; charset=utf-8', 202],
  ])('a body of type %s is answered with %i', async (type, status) => {
    expect((await submit(body(), { 'content-type': type })).status).toBe(status)
  })

  test('a body is taken up to its limit and refused beyond it', async () => {
    const { maxBodyBytes } = gateway.dependencies.limits
    const padded = (size: number) => body('{}').padEnd(size, ' ')
    expect((await submit(padded(maxBodyBytes))).status).toBe(202)
    expect((await submit(padded(maxBodyBytes + 1))).status).toBe(413)
  })

  test('code is taken up to its limit and refused beyond it', async () => {
    const { maxCodeBytes } = gateway.dependencies.limits
    const sized = (size: number) => JSON.stringify({ code: '#'.repeat(size), handler: 'f' })
    expect((await submit(sized(maxCodeBytes))).status).toBe(202)
    expect((await submit(sized(maxCodeBytes + 1))).status).toBe(413)
  })

  test('an upload that is not the tenant’s is refused', async () => {
    const response = await submit(body('{}', ',"files":{"mesh":"01a0a0a0-0000-7000-8000-000000000000"}'))
    expect(response.status).toBe(422)
    expect(((await response.json()) as ProblemBody).errors?.[0]?.loc).toEqual(['body', 'files', 'mesh'])
  })
})

describe('an Idempotency-Key', () => {
  test('answers the first task again, and says so', async () => {
    const first = await submit(body(), { 'idempotency-key': 'one' })
    const second = await submit(body(), { 'idempotency-key': 'one' })
    expect(second.status).toBe(202)
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect(((await second.json()) as { id: string }).id).toBe(((await first.json()) as { id: string }).id)
  })

  test('with another body is a 422', async () => {
    await submit(body(), { 'idempotency-key': 'two' })
    expect((await submit(body('{"x":1}'), { 'idempotency-key': 'two' })).status).toBe(422)
  })
})

describe('Prefer: wait', () => {
  test('answers 200 with the result, to the letter, once the task ends', async () => {
    const waiting = submit(body(), { prefer: 'wait=5', 'idempotency-key': 'wait' })
    const id = await expect
      .poll(async () => {
        const [row] = await gateway.dependencies.sql<
          { id: string }[]
        >`select task_id as id from idempotency_keys where key = 'wait'`
        return row?.id
      })
      .toBeTruthy()
      .then(async () => {
        const [row] = await gateway.dependencies.sql<
          [{ id: string }]
        >`select task_id as id from idempotency_keys where key = 'wait'`
        return row.id
      })
    await finish(id, '{"result":583.0}')
    const response = await waiting
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('"result":{"result":583.0}}')
  })

  test('answers 202 when the time is up', async () => {
    expect((await submit(body(), { prefer: 'wait=1' })).status).toBe(202)
  })
})

describe('reading', () => {
  test('a result is answered to the letter', async () => {
    const id = await submitted()
    await finish(id, '{"b":583.0,"a":[1E5]}')
    const response = await gateway.fetch('GET', `/tasks/${id}/result`)
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('{"b":583.0,"a":[1E5]}')
  })

  test('a result that is not there yet is a 409', async () => {
    expect((await gateway.fetch('GET', `/tasks/${await submitted()}/result`)).status).toBe(409)
  })

  test('a failed task’s result is a 422 with the failure and the user’s own error', async () => {
    const id = await submitted()
    const { sql } = gateway.dependencies
    const claim = await admitAndClaim(sql, id)
    const error = '{"error":"no mesh","type":"ValueError","ts":1.0}'
    await finishAttempt(sql, claim, {
      outcome: 'failed',
      failureCode: 'user_error',
      message: 'ValueError: no mesh',
      error,
    })
    const response = await gateway.fetch('GET', `/tasks/${id}/result`)
    expect(response.status).toBe(422)
    const text = await response.text()
    expect(JSON.parse(text)).toMatchObject({ failure_code: 'user_error', detail: 'ValueError: no mesh' })
    expect(text).toContain(`"error":${error}`)
  })

  test('a task tells its attempts, and why it waits while it does', async () => {
    const id = await submitted()
    const response = await gateway.fetch('GET', `/tasks/${id}`)
    expect(await response.json()).toMatchObject({
      id,
      status: 'queued',
      waits: { reason: expect.any(String) },
      attempts: [],
    })
  })

  test('pages go through every task once, newest first', async () => {
    const token = await gateway.token('pages')
    const ids: string[] = []
    for (let index = 0; index < 5; index += 1) {
      const response = await gateway.fetch('POST', '/tasks', {
        body: body('{}', `,"labels":{"n":"${index % 2}"}`),
        token,
      })
      ids.push(((await response.json()) as { id: string }).id)
    }
    const seen: string[] = []
    let cursor = ''
    do {
      const response = await gateway.fetch('GET', `/tasks?limit=2${cursor}`, { token })
      const page = (await response.json()) as { tasks: { id: string }[]; next_cursor: string | null }
      seen.push(...page.tasks.map(({ id }) => id))
      cursor = page.next_cursor ? `&cursor=${page.next_cursor}` : ''
    } while (cursor)
    expect(seen).toEqual([...ids].reverse())
    const labelled = (await (await gateway.fetch('GET', '/tasks?label=n=1', { token })).json()) as {
      tasks: unknown[]
    }
    expect(labelled.tasks).toHaveLength(2)
  })

  test.each(['', '/result', '/logs', '/artifacts'])(
    'another tenant’s task%s is as absent as none',
    async (part) => {
      const id = await submitted()
      const token = await gateway.token('other', 'eve')
      const response = await gateway.fetch('GET', `/tasks/${id}${part}`, { token })
      expect(response.status).toBe(404)
    },
  )

  test('an id that is none is a 422', async () => {
    expect((await gateway.fetch('GET', '/tasks/1')).status).toBe(422)
  })
})

describe('who may call', () => {
  test.each([
    ['no token', ''],
    ['no such scheme', 'Basic YTpi'],
    ['a token that is none', 'Bearer abc'],
    ['a token of algorithm none', `Bearer ${btoa('{"alg":"none"}')}.${btoa('{"sub":"ada"}')}.`],
  ])('%s is a 401 with the contract’s words', async (_, authorization) => {
    const response = await gateway.fetch('GET', '/tasks', { headers: { authorization } })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ detail: 'Invalid authentication credentials' })
  })
})

describe('the platform’s own routes', () => {
  test('health and readiness are told without a token', async () => {
    for (const path of ['/health', '/ready']) {
      const response = await gateway.fetch('GET', path, { headers: { authorization: '' } })
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({ status: 'ok' })
    }
  })

  test('every route of the app is described', async () => {
    const document = (await (await gateway.fetch('GET', '/openapi.json')).json()) as {
      paths: Record<string, Record<string, object>>
    }
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    // Signed URLs speak for themselves, and the documentation does not describe itself.
    const undescribed = /^\S+ \/(objects|docs|openapi\.json)/
    const served = createApp(gateway.dependencies)
      .routes.filter(({ method, path }) => method !== 'ALL' && !undescribed.test(`${method} ${path}`))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    expect(described.sort()).toEqual([...new Set(served)].sort())
  })

  test('the documentation page loads nothing from elsewhere', async () => {
    const page = await (await gateway.fetch('GET', '/docs')).text()
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '')
    expect(links.length).toBeGreaterThan(0)
    for (const link of links) expect((await gateway.fetch('GET', link)).status).toBe(200)
  })

  test('an unknown path is a problem that points to the documentation', async () => {
    const response = await gateway.fetch('GET', '/task')
    expect(response.status).toBe(404)
    expect(((await response.json()) as ProblemBody).detail).toContain('/docs')
  })
})
