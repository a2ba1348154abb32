import { execFile, execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { type Environment, ensureDefaultEnvironment } from '../../shared/environments/index.ts'
import { makeTemporaryFolder } from './make-temporary-folder.ts'
import { runPython } from './run-python.ts'

const run = promisify(execFile)
const MAIN = new URL('../../shared/environments/main.ts', import.meta.url).pathname
const dataDir = '.data'
let environment: Environment

beforeAll(async () => {
  environment = await ensureDefaultEnvironment({ dataDir })
}, 120_000)

test('NumPy and SciPy compute in it, with nothing else of the host in sight', () => {
  const code = `
import json, os, sys, ssl, sqlite3, ctypes, bz2, lzma, decimal, hashlib
import numpy, scipy.linalg, scipy.sparse.linalg, scipy.optimize, scipy.interpolate, scipy.stats
print(json.dumps({
  "solution": numpy.linalg.solve([[2.0, 1.0], [1.0, 3.0]], [3.0, 5.0]).tolist(),
  "root": sorted(os.listdir("/")), "opt": sorted(os.listdir("/opt")), "prefix": sys.prefix,
  "files": sorted({line.split()[5] for line in open("/proc/self/maps") if "/" in line}),
}))`
  const seen = JSON.parse(runPython(environment, code))
  expect(seen.solution).toEqual([expect.closeTo(0.8), expect.closeTo(1.4)])
  expect(seen.root.filter((name: string) => !/^lib/.test(name))).toEqual(['dev', 'opt', 'proc', 'tmp'])
  expect(seen.opt).toEqual(['packages', 'python'])
  expect(seen.prefix).toBe('/opt/python')
  for (const file of seen.files) expect(file).toMatch(/^\/(lib|opt\/python|opt\/packages)/)
})

test('its mounts are an interpreter, its libraries and the packages: no folder of the host as such', () => {
  for (const { source, target } of environment.mounts) {
    expect(source).toMatch(/\/(interpreters|environments)\/[0-9a-f]{64}\//)
    expect(target).toMatch(/^\/(lib\w*|opt\/python|opt\/packages)$/)
  }
  expect(environment.python).toMatch(/^\/opt\/python\/bin\/python3\.\d+$/)
  expect(environment.modules).toEqual(['numpy', 'scipy'])
})

test('no program but Python, no pip, no test suite and no name of the host come along', () => {
  const code = `
import os
for folder, _, names in os.walk("/"):
    if folder.startswith(("/proc", "/dev")): continue
    for name in names:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not ".so" in name and not name.endswith((".py", ".sh")): print("program", path)
        if name.endswith(".pyc"):
            with open(path, "rb") as file:
                if b".building-" in file.read(): print("host", path)
for name in ("pip", "ensurepip", "test", "tkinter", "idlelib"):
    try: __import__(name); print("module", name)
    except ImportError: pass`
  expect(runPython(environment, code).trim()).toBe(`program ${environment.python}`)
})

test('finding it again takes less than 20 ms', async () => {
  const times: number[] = []
  for (let count = 0; count < 21; count++) {
    const start = performance.now()
    expect((await ensureDefaultEnvironment({ dataDir })).id).toBe(environment.id)
    times.push(performance.now() - start)
  }
  expect(times.sort((a, b) => a - b)[10]).toBeLessThan(20)
})

test('an interpreter of a virtual environment or behind a shim leads to the real one, and to the same environment', async () => {
  const folder = await makeTemporaryFolder()
  execFileSync('python3', ['-m', 'venv', '--without-pip', join(folder, 'venv')])
  const python = join(folder, 'venv/bin/python')
  // It has no pip of its own, and says so; the interpreter behind it is found all the same.
  await expect(ensureDefaultEnvironment({ dataDir: folder, python })).rejects.toMatchObject({
    code: 'MISCONFIGURED',
    message: expect.stringContaining('has no pip'),
  })
})

test('a Python that will not do is refused with what to install', async () => {
  const dataDir = await makeTemporaryFolder()
  await expect(ensureDefaultEnvironment({ dataDir, python: '/nowhere/python3' })).rejects.toMatchObject({
    code: 'MISCONFIGURED',
    message: expect.stringMatching(
      /install CPython 3\.10 or later with pip.*\/nowhere\/python3 is not there/,
    ),
  })
})

test('without an index the command says so in one sentence and leaves nothing half-built', {
  timeout: 60_000,
}, async () => {
  const folder = await makeTemporaryFolder()
  const env = {
    ...process.env,
    PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
    PIP_RETRIES: '0',
    PIP_CONFIG_FILE: '/dev/null',
  }
  const failure = await run(process.execPath, [MAIN, 'ensure', '--data', folder], { env }).catch(
    (error) => error,
  )
  expect(failure.code).toBe(1)
  expect(failure.stderr.trim()).toMatch(
    /^pip could not install numpy and scipy for Python 3\.\d+\.\d+: check that its package index can be reached.*$/,
  )
  expect(readdirSync(join(folder, 'environments')).filter((name) => !name.endsWith('.lock'))).toEqual([])
})
