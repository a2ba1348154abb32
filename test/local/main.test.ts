import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const entry = (name: string) => fileURLToPath(new URL(`../../local/${name}.ts`, import.meta.url))
const TASK = JSON.stringify({
  code: 'def echo(**given):\n    print("heard")\n    return given\n',
  handler: 'echo',
})

test('one command starts the platform, serves a task, and stops cleanly on Ctrl-C', {
  timeout: 120_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'local-main-'))
  const readyFile = join(directory, 'ready.json')
  const data = join(directory, 'data')
  const stack = spawn(process.execPath, [
    entry('main'),
    '--port',
    '0',
    '--data',
    data,
    '--ready-file',
    readyFile,
  ])
  const ended = once(stack, 'exit')
  try {
    await expect
      .poll(() => readFile(readyFile, 'utf8').catch(() => undefined), { timeout: 60_000 })
      .toBeTruthy()
    const { url } = JSON.parse(await readFile(readyFile, 'utf8')) as { url: string }
    const { stdout } = await run(process.execPath, [
      entry('token'),
      '--tenant',
      'forge',
      '--user',
      'eva',
      '--data',
      data,
    ])
    const headers = { authorization: `Bearer ${stdout.trim()}`, 'content-type': 'application/json' }
    const submit = (inputs: string) =>
      fetch(`${url}/tasks`, {
        method: 'POST',
        headers: { ...headers, prefer: 'wait=30' },
        body: `${TASK.slice(0, -1)},"inputs":${inputs}}`,
      })

    const response = await submit('{"preload":583.0,"big":9223372036854775809,"lone":"\\ud800"}')
    expect(response.status).toBe(200)
    const text = await response.text()
    expect(text).toContain('"preload": 583.0, "big": 9223372036854775809, "lone": "\\ud800"')
    const { id } = JSON.parse(text) as { id: string }
    const logs = await fetch(`${url}/tasks/${id}/logs`, { headers })
    expect(await logs.json()).toMatchObject({ done: true, entries: [{ kind: 'stdout', chunk: 'heard\n' }] })
  } finally {
    stack.kill('SIGINT')
    await ended
    await rm(directory, { recursive: true, force: true })
  }
  expect(stack.exitCode).toBe(0)
})

test.each([
  ['main', ['--port', 'x'], '--port takes a number'],
  ['main', ['--prot', '1'], '--prot'],
  ['token', ['--role', 'king'], '--role is one of'],
  ['token', ['--tenant', 'No Slug'], '--tenant takes'],
  ['token', ['--data', '/nonexistent'], 'No stack runs'],
])('%s %j is refused in a sentence', async (name, given, sentence) => {
  const refused = run(process.execPath, [entry(name), ...given])
  await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) })
})
