import { expect, test } from 'vitest'
import { toFaults } from '../../shared/prechecks/index.ts'
import { openTestPrechecks, summarize } from './open-test-prechecks.ts'

const { check } = openTestPrechecks()

test.for([
  ['exec', 'exec("1")', 'S102 1:1'],
  ['eval', 'x = eval("1")', 'S307 1:5'],
  ['a shell through os', 'import os\nos.system("ls")', 'S605 2:1'],
  ['os.popen', 'import os\nos.popen("ls")', 'S605 2:1'],
  ['os.execv', 'import os\nos.execv("/bin/ls", [])', 'S606 2:1'],
  ['os.spawnl', 'import os\nos.spawnl(0, "/bin/ls")', 'S606 2:1'],
  ['a function named differently', 'from os import system as s\ns("ls")', 'S605 2:1'],
])('%s is an error', async ([, source = '', expected]) => {
  expect(summarize(await check(source))).toContain(expected)
})

test.for([
  ['pickle.loads', 'import pickle\npickle.loads(b"")', 'S301 2:1'],
  ['a password in the code', 'password = "hunter2"', 'S105 1:12'],
  ['MD5', 'import hashlib\nhashlib.md5(b"")', 'S324 2:1'],
  ['an XML parser', 'import xml.sax\nxml.sax.parseString("", None)', 'S317 2:1'],
])('%s is a warning', async ([, source = '', expected]) => {
  const verdict = await check(source)
  expect(verdict.errors).toEqual([])
  expect(summarize(verdict)).toContain(expected)
})

test('asserts, random draws, files in /tmp and silent excepts pass, because calculations are full of them', async () => {
  const source = `
import random, tempfile
assert random.random() < 2
open("/tmp/mesh.inp", "w").close()
for step in range(3):
    try:
        step / 0
    except ZeroDivisionError:
        pass
    try:
        step / 0
    except ZeroDivisionError:
        continue
`
  expect(summarize(await check(source))).toEqual([])
})

test('a tenant sets the level of one rule and of all others', async () => {
  const source = 'assert 1\nexec("1")\npassword = "hunter2"\n'
  expect(summarize(await check(source, { rules: { S101: 'error', S102: 'off' }, security: 'off' }))).toEqual([
    'S101 1:1',
  ])
  expect((await check(source, { security: 'error' })).errors.map(({ rule }) => rule)).toEqual([
    'S102',
    'S105',
  ])
})

test('a refusal lists every finding with file, line, column, rule, message and how to fix it', async () => {
  const { errors } = await check([
    { path: 'beam/__init__.py', source: 'import socket\n\nx = eval("1")\n' },
    { path: 'beam/io.py', source: 'def f(:\n' },
  ])
  expect(errors.map(({ file, line, rule }) => `${file}:${line} ${rule}`)).toEqual([
    'beam/__init__.py:1 import-not-allowed',
    'beam/__init__.py:3 S307',
    'beam/io.py:1 syntax',
    'beam/io.py:2 syntax',
  ])
  for (const { message, fix } of errors) {
    expect(message).not.toBe('')
    expect(fix).toMatch(/\.$/)
  }
  expect(toFaults(errors)[0]).toEqual({
    loc: ['body', 'code', 'beam/__init__.py', 1, 8],
    msg: expect.stringContaining('`import socket` is not among the allowed imports'),
    type: 'import-not-allowed',
  })
})

test.for([
  ['an unfinished function', 'def f(:\n'],
  ['print without brackets', 'print "a"\n'],
  ['a return outside of a function', 'return 1\n'],
  ['a break outside of a loop', 'break\n'],
  ['a null character', 'x = 1\0\n'],
])('%s is a finding with its place', async ([, source = '']) => {
  const { errors } = await check(source)
  expect(errors[0]).toMatchObject({ rule: 'syntax', line: 1 })
})

test('syntax is that of the Python the source will run on', async () => {
  const { prechecks } = openTestPrechecks()
  const { PrecheckPolicy } = await import('../../shared/prechecks/index.ts')
  const on = (version: string) =>
    prechecks.check('type Length = float\n', PrecheckPolicy.parse({}), {
      modules: [],
      python: `/opt/python/bin/python${version}`,
    })
  expect((await on('3.11')).errors).toHaveLength(1)
  expect((await on('3.12')).errors).toHaveLength(0)
})

test('docstrings, comments and strings trigger nothing', async () => {
  const source = `"""import socket
exec("1"); os.system("ls")
"""
# import subprocess; eval("1")
def f():
    """__import__("socket")"""
    return "import ctypes", f"exec {1} import os", b"import socket", r'''
import socket
'''  # exec("1")
`
  expect(summarize(await check(source))).toEqual([])
})

test.for([
  ['noqa', 'eval("1")  # noqa\n'],
  ['noqa with a code', 'eval("1")  # noqa: S307\n'],
  ['a noqa for the file', '# ruff: noqa\neval("1")\n'],
  ['flake8 for the file', '# flake8: noqa\neval("1")\n'],
  ['a disabled range', '# ruff: disable[S307]\neval("1")\n# ruff: enable[S307]\n'],
  ['nosec', 'eval("1")  # nosec\n'],
])('a comment cannot switch a rule off: %s', async ([, source = '']) => {
  expect((await check(source)).errors.map(({ rule }) => rule)).toEqual(['S307'])
})
