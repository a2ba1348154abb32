import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { buildOnce } from '../../shared/environments/build-once.ts'
import { lockFile } from '../../shared/environments/lock-file.ts'
import { makeTemporaryFolder } from './make-temporary-folder.ts'

const PYTHON = '/usr/bin/python3'
const MODULE = new URL('../../shared/environments/build-once.ts', import.meta.url).href

/** A process that builds `folder` and reports each step; its build ends when the file `go` appears. */
const startBuilder = (folder: string, go: string): ChildProcess => {
  const script = `
    import { existsSync, writeFileSync } from 'node:fs'
    import { setTimeout } from 'node:timers/promises'
    import { buildOnce } from ${JSON.stringify(MODULE)}
    await buildOnce(${JSON.stringify(folder)}, { python: '${PYTHON}', timeoutMs: 20_000 }, async (temporary) => {
      writeFileSync(temporary + '/half', 'x')
      console.log('building')
      while (!existsSync(${JSON.stringify(go)})) await setTimeout(10)
      writeFileSync(temporary + '/whole', String(process.pid))
    })
    console.log('done')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

const said = (child: ChildProcess): { text: string } => {
  const output = { text: '' }
  child.stdout?.on('data', (chunk) => {
    output.text += chunk
  })
  return output
}

test('of several processes that want the same folder one builds, the others wait and find it whole', {
  timeout: 30_000,
}, async () => {
  const parent = await makeTemporaryFolder()
  const [folder, go] = [join(parent, 'built'), join(parent, 'go')]
  const builders = Array.from({ length: 4 }, () => startBuilder(folder, go))
  const outputs = builders.map(said)
  const exits = builders.map((builder) => once(builder, 'exit'))
  await Promise.race(builders.map((builder) => once(builder.stdout as NodeJS.ReadableStream, 'data')))
  expect(existsSync(folder)).toBe(false)
  writeFileSync(go, '')
  expect((await Promise.all(exits)).map(([code]) => code)).toEqual([0, 0, 0, 0])
  expect(
    outputs
      .map(({ text }) => text)
      .join('')
      .match(/building/g),
  ).toHaveLength(1)
  expect(existsSync(join(folder, 'whole'))).toBe(true)
})

test('a builder that is killed leaves the lock and the way free, and its half behind for the next one to remove', {
  timeout: 30_000,
}, async () => {
  const parent = await makeTemporaryFolder()
  const [folder, go] = [join(parent, 'built'), join(parent, 'go')]
  const killed = startBuilder(folder, go)
  await once(killed.stdout as NodeJS.ReadableStream, 'data')
  const waiting = startBuilder(folder, go)
  killed.kill('SIGKILL')
  await once(waiting.stdout as NodeJS.ReadableStream, 'data')
  writeFileSync(go, '')
  await once(waiting, 'exit')
  expect(readFileSync(join(folder, 'whole'), 'utf8')).toBe(String(waiting.pid))
  expect(readdirSync(parent).sort()).toEqual(['built', 'built.lock', 'go'])
})

test('a build that fails leaves nothing, and the next one starts anew', async () => {
  const folder = join(await makeTemporaryFolder(), 'built')
  const options = { python: PYTHON, timeoutMs: 5_000 }
  const failing = buildOnce(folder, options, async (temporary) => {
    writeFileSync(join(temporary, 'half'), '')
    throw new Error('no space')
  })
  await expect(failing).rejects.toThrow('no space')
  expect(readdirSync(join(folder, '..'))).toEqual(['built.lock'])
  await buildOnce(folder, options, async (temporary) => writeFileSync(join(temporary, 'whole'), ''))
  expect(readdirSync(folder)).toEqual(['whole'])
})

test('what was built can be read by every user and written by none', async () => {
  const folder = join(await makeTemporaryFolder(), 'built')
  await buildOnce(folder, { python: PYTHON, timeoutMs: 5_000 }, async (temporary) => {
    writeFileSync(join(temporary, 'data'), '', { mode: 0o600 })
    writeFileSync(join(temporary, 'program'), '', { mode: 0o4777 })
  })
  const mode = (name: string) => (statSync(join(folder, name)).mode & 0o7777).toString(8)
  expect([mode(''), mode('data'), mode('program')]).toEqual(['555', '444', '555'])
})

test('a lock that stays held is given up after the time limit', async () => {
  const path = join(await makeTemporaryFolder(), 'lock')
  const unlock = await lockFile(path, PYTHON, 5_000)
  await expect(lockFile(path, PYTHON, 300)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await unlock()
  await (await lockFile(path, PYTHON, 5_000))()
})
