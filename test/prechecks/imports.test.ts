import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findImports } from '../../shared/prechecks/find-imports.ts'
import { PrecheckPolicy } from '../../shared/prechecks/index.ts'
import { readTokens } from '../../shared/prechecks/read-tokens.ts'
import { SourceText } from '../../shared/prechecks/source-text.ts'
import { REFUSED_STANDARD_IMPORTS, STANDARD_IMPORTS } from '../../shared/prechecks/standard-library.ts'
import { openTestPrechecks, summarize } from './open-test-prechecks.ts'

const { check, prechecks } = openTestPrechecks()
const refused = (...places: string[]) => places.map((place) => `import-not-allowed ${place}`)

test('the standard list, numpy and scipy are allowed in every form of an import', async () => {
  const source = `
from __future__ import annotations
import math, os.path, numpy as np
import scipy.sparse.linalg as sl, json
from collections.abc import (Mapping,  # a comment
    Sequence as Seq,
)
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from urllib import parse
from urllib.parse import quote
from numpy import *
def f():
    if True: import csv; import statistics
    raise ValueError from None
def g():
    yield from range(3)
`
  expect(summarize(await check(source))).toEqual([])
})

test.for([
  ['a plain import', 'import socket', '1:8'],
  ['one of several', 'import math, socket, json', '1:14'],
  ['behind an alias', 'import socket as math', '1:8'],
  ['a submodule', 'import http.client', '1:8'],
  ['a from-import', 'from subprocess import run', '1:6'],
  ['a star', 'from ctypes import *', '1:6'],
  ['a submodule that its sibling does not open', 'import urllib.request', '1:8'],
  ['the parent of an allowed submodule', 'import urllib', '1:8'],
  ['after a semicolon', 'x = 1; import socket', '1:15'],
  ['after a colon', 'if 1: import socket', '1:14'],
  ['in a deep block', 'def f():\n  with x:\n    try:\n      import socket\n    finally: pass', '4:14'],
  ['over lines', 'from \\\n  subprocess \\\n import run', '2:3'],
  ['after a carriage return that hides in a comment', '# harmless\rimport socket', '2:8'],
  ['after a form feed', '\fimport socket', '1:9'],
  ['after a byte order mark', '\uFEFFimport socket', '1:8'],
  ['in full-width letters', 'import ｓｏｃｋｅｔ', '1:8'],
  ['in mathematical letters', 'import 𝐬𝐨𝐜𝐤𝐞𝐭', '1:8'],
  ['a private module of the interpreter', 'import _socket', '1:8'],
  ['a package that nobody installed', 'import requests', '1:8'],
  ['behind an astral character', 'x = "𝒳"; import socket', '1:17'],
])('%s is refused where it stands', async ([, source = '', place = '']) => {
  expect(summarize(await check(source))).toEqual(refused(place))
})

test.for([
  ['__import__ of a refused module', '__import__("socket")', 'import-not-allowed 1:1'],
  ['__import__ in an expression', 'x = __import__("socket").socket', 'import-not-allowed 1:5'],
  ['__import__ with a computed name', '__import__("soc" + "ket")', 'dynamic-import 1:1'],
  ['__import__ with joined literals', '__import__("soc" "ket")', 'dynamic-import 1:1'],
  ['__import__ with an escape', '__import__("\\x73ocket")', 'dynamic-import 1:1'],
  ['__import__ with an f-string', '__import__(f"{name}")', 'dynamic-import 1:1'],
  ['__import__ under another name', 'f = __import__', 'dynamic-import 1:5'],
  ['__import__ inside an f-string', 'f"{__import__(name)}"', 'dynamic-import 1:4'],
  ['__import__ in full-width letters', '__ｉmport__("socket")', 'import-not-allowed 1:1'],
  ['the builtins', '__builtins__["__imp" + "ort__"]("socket")', 'dynamic-import 1:1'],
  ['the loader', '__loader__.load_module("socket")', 'dynamic-import 1:1'],
])('%s is a finding', async ([, source = '', expected]) => {
  expect(summarize(await check(source))).toEqual([expected])
})

test('importlib, once a tenant allows it, imports allowed modules by their literal name alone', async () => {
  const source = `import importlib
from importlib import import_module as load
importlib.import_module("math")
load("json", None)
importlib.import_module("socket")
load("socket")
load(name)
`
  expect(summarize(await check(source, { allowImports: ['importlib'] }))).toEqual([
    'import-not-allowed 5:11',
    'import-not-allowed 6:1',
    'dynamic-import 7:1',
  ])
})

test("a task's own files and relative imports are its own business", async () => {
  const files = [
    {
      path: 'beam/__init__.py',
      source: 'from . import loads\nfrom ..a.b import (c, d as e)\nfrom ... import f\n',
    },
    { path: 'beam/loads.py', source: 'import tools\nimport beam.loads\n' },
    { path: 'tools.py', source: '' },
  ]
  expect(summarize(await check(files))).toEqual([])
})

test('a file or a package named like a refused module does not open that module', async () => {
  const files = [
    { path: 'socket.py', source: '' },
    { path: 'main.py', source: 'import socket\nimport ctypes\n' },
  ]
  expect(summarize(await check(files))).toEqual(refused('1:8', '2:8'))
  const python = '/opt/python/bin/python3.11'
  const verdict = await prechecks.check('import ctypes', PrecheckPolicy.parse({}), {
    modules: ['ctypes'],
    python,
  })
  expect(summarize(verdict)).toEqual(refused('1:8'))
})

test("the environment's modules are allowed, and only those", async () => {
  const environment = { modules: ['pandas'], python: '/opt/python/bin/python3.11' }
  const verdict = await prechecks.check(
    'import pandas\nimport numpy\n',
    PrecheckPolicy.parse({}),
    environment,
  )
  expect(summarize(verdict)).toEqual(refused('2:8'))
})

test('before an environment is built any package may be in it, and no more of the standard library', async () => {
  const source = 'import pandas\nimport numpy.linalg\nimport socket\nimport urllib.request\nimport math\n'
  const environment = { modules: 'unknown' as const }
  const verdict = await prechecks.check(source, PrecheckPolicy.parse({}), environment)
  expect(summarize(verdict)).toEqual(refused('3:8', '4:8'))
  const denied = PrecheckPolicy.parse({ denyImports: ['pandas'] })
  expect(summarize(await prechecks.check(source, denied, environment))).toEqual(refused('1:8', '3:8', '4:8'))
})

test('a tenant allows more, refuses more, and lowers or lifts the check', async () => {
  const source = 'import socket\nimport os\nimport os.path\n'
  expect(summarize(await check(source, { allowImports: ['socket'] }))).toEqual([])
  expect(summarize(await check(source, { allowImports: ['socket'], denyImports: ['os'] }))).toEqual(
    refused('2:8', '3:8'),
  )
  expect((await check(source, { imports: 'warning' })).warnings).toHaveLength(1)
  expect(summarize(await check(source, { imports: 'off' }))).toEqual([])
})

test('no module is both allowed and refused, and every allowed one exists', () => {
  const names = JSON.parse(
    execFileSync('python3', ['-c', 'import sys, json; print(json.dumps([*sys.stdlib_module_names]))'], {
      encoding: 'utf8',
    }),
  ) as string[]
  const allowed = STANDARD_IMPORTS.filter((name) => !name.includes('.'))
  expect(allowed.filter((name) => REFUSED_STANDARD_IMPORTS.has(name))).toEqual([])
  expect(names.filter((name) => !allowed.includes(name) && !REFUSED_STANDARD_IMPORTS.has(name))).toEqual([])
})

test("it sees in the standard library's own sources exactly the imports that CPython sees", {
  timeout: 60_000,
}, () => {
  const folder = execFileSync('python3', ['-c', 'import sysconfig; print(sysconfig.get_path("stdlib"))'], {
    encoding: 'utf8',
  }).trim()
  const files = ['', 'json', 'asyncio', 'importlib', 'xml/etree', 'multiprocessing', 'unittest']
    .flatMap((name) => readdirSync(join(folder, name)).map((file) => join(folder, name, file)))
    .filter((path) => path.endsWith('.py'))
  const script = `
import ast, json, sys
def read(path):
    for node in ast.walk(ast.parse(open(path, "rb").read())):
        if isinstance(node, ast.Import): yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0: yield from (f"{node.module}:{a.name}" for a in node.names)
print(json.dumps([sorted(read(path)) for path in json.load(sys.stdin)]))`
  const input = JSON.stringify(files)
  const expected = JSON.parse(
    execFileSync('python3', ['-W', 'ignore', '-c', script], { input, encoding: 'utf8' }),
  ) as string[][]
  const workspace = new Workspace({}, PositionEncoding.Utf32)
  for (const [index, path] of files.entries()) {
    const source = readFileSync(path, 'utf8')
    const found = findImports(readTokens(workspace.tokens(source)), new SourceText(source))
      .flatMap(({ text }) => {
        const [, parent, name] = /^from (\S+) import (\S+)$/.exec(text) ?? []
        if (parent !== undefined) return [`${parent}:${name}`]
        return text.startsWith('import ') ? [text.slice('import '.length)] : []
      })
      .sort()
    expect(found, path).toEqual(expected[index])
  }
})

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/).map((text) => `v_${text}`)
const allowedModule = fc.constantFrom(
  ...STANDARD_IMPORTS,
  'numpy',
  'scipy',
  'numpy.linalg',
  'scipy.sparse.linalg',
)
const words = fc.constantFrom(
  'import socket',
  'exec("1")',
  'from ctypes import *',
  '__import__',
  'os.system',
  '# noqa',
  "it's",
)
const importLine = fc.oneof(
  fc.tuple(allowedModule, name).map(([module, alias]) => `import ${module} as ${alias}`),
  fc.array(allowedModule, { minLength: 1, maxLength: 4 }).map((modules) => `import ${modules.join(', ')}`),
  fc.tuple(allowedModule, fc.array(name, { minLength: 1, maxLength: 3 })).map(([module, names]) => {
    return module === '__future__' ? 'import math' : `from ${module} import (${names.join(',\n    ')},)`
  }),
  name.map((module) => `from .${module} import ${module}`),
)
const line = fc.oneof(
  importLine,
  words.map((text) => `# ${text}`),
  words.map((text) => `"""${text}\n${text}"""`),
  fc.tuple(name, words).map(([target, text]) => `${target} = r'''${text}'''  # ${text}`),
  fc
    .tuple(name, fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map(([target, value]) => `${target} = ${value}`),
  fc
    .tuple(name, name, importLine)
    .map(([f, x, inner]) => `def ${f}(${x}):\n    ${inner}\n    return ${x} ** 2`),
  fc.tuple(name, words).map(([target, text]) => `${target} = f"""{1 + 1} ${text}"""`),
)

test('no source that imports only what is allowed is ever refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.constantFrom('\n', '\r\n'), async (lines, end) => {
      const { errors } = await check(lines.join('\n').replaceAll('\n', end))
      expect(errors).toEqual([])
    }),
    { numRuns: 200 },
  )
})

test('an import of a refused module is found wherever it stands among other lines', async () => {
  const statement = fc.constantFrom(
    'import socket',
    'from socket import socket as math',
    'x = 1; import socket',
    'import math, socket',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line), statement, fc.array(line), async (before, hostile, after) => {
      const { errors } = await check([...before, hostile, ...after].join('\n'))
      expect(errors.map(({ rule }) => rule)).toEqual(['import-not-allowed'])
      expect(errors[0]?.line).toBe(before.join('\n').split('\n').length + (before.length > 0 ? 1 : 0))
    }),
    { numRuns: 100 },
  )
})
