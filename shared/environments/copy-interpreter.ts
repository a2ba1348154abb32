import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { buildOnce } from './build-once.ts'
import type { Interpreter } from './find-interpreter.ts'
import { type Copy, listLibraries } from './list-libraries.ts'
import { runCommand } from './run-command.ts'

/** Where a sandbox sees the interpreter. */
const PYTHON_PREFIX = '/opt/python'

/**
 * Left out of the standard library: other people's packages, the tests, what needs a screen or a terminal, what installs
 * packages. Each would bring files or shared libraries that no calculation needs.
 */
const LEFT_OUT =
  /^(site-packages|dist-packages|__pycache__|test|tests|idlelib|tkinter|turtledemo|turtle\.py|ensurepip|lib2to3|sitecustomize\.py|config-.*|(_tkinter|_curses.*|readline|nis|_test.*|_xx.*|xx.*|_dbm|_gdbm)\..*\.so)$/

/** All that the kernel has to start: Python, and the loader that starts Python. */
const PROGRAM = /\/bin\/python[\d.]*$|\/ld[-.\w]*\.so[.\d]*$/

const COPY_TIMEOUT_MS = 300_000
const FORMAT = 3

const listStdlib = async (folder: string, target: string): Promise<Copy[]> => {
  const copies: Copy[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const copy = { source: join(folder, entry.name), target: join(target, entry.name) }
    if (LEFT_OUT.test(entry.name)) continue
    if (entry.isDirectory()) copies.push(...(await listStdlib(copy.source, copy.target)))
    // A link may lead out of the library (Debian points some into /etc): none is followed.
    else if (entry.isFile()) copies.push(copy)
  }
  return copies
}

const planCopies = async (interpreter: Interpreter): Promise<Copy[]> => {
  const stdlib = await listStdlib(
    join(interpreter.prefix, interpreter.stdlib),
    join(PYTHON_PREFIX, interpreter.stdlib),
  )
  const extensions = stdlib.filter(({ source }) => source.endsWith('.so')).map(({ source }) => source)
  const python = {
    source: interpreter.executable,
    target: join(PYTHON_PREFIX, 'bin', basename(interpreter.executable)),
  }
  const libraries = await listLibraries([interpreter.executable, ...extensions])
  return [python, ...libraries, ...stdlib].sort((a, b) => (a.target < b.target ? -1 : 1))
}

const hashCopies = async (copies: Copy[]): Promise<string> => {
  const hash = createHash('sha256').update(`interpreter ${FORMAT}\n`)
  for (const { source, target } of copies) {
    const content = createHash('sha256').update(await readFile(source))
    hash.update(`${target} ${content.digest('hex')}\n`)
  }
  return hash.digest('hex')
}

export type InterpreterCopy = {
  id: string
  /** The binary as a sandbox sees it, and the one on the host that it was copied from. */
  python: string
  host: string
  mounts: { source: string; target: string }[]
}

/**
 * Copies the interpreter, its standard library and the shared libraries they need into `folder/<id>`, a tree that is all
 * of the host that a sandbox sees. A copy, so that nothing beside it shows, whatever its home's permissions are, and an
 * upgrade of the host's Python changes no environment that exists.
 */
export const copyInterpreter = async (folder: string, interpreter: Interpreter): Promise<InterpreterCopy> => {
  const copies = await planCopies(interpreter)
  const id = await hashCopies(copies)
  const root = join(folder, id)
  await buildOnce(root, { python: interpreter.executable, timeoutMs: COPY_TIMEOUT_MS }, async (temporary) => {
    for (const { source, target } of copies) {
      await mkdir(dirname(join(temporary, target)), { recursive: true })
      await copyFile(source, join(temporary, target))
      await chmod(join(temporary, target), PROGRAM.test(target) ? 0o755 : 0o644)
    }
    const stdlib = join(PYTHON_PREFIX, interpreter.stdlib)
    await compileBytecode(interpreter.executable, join(temporary, stdlib), stdlib)
  })
  // Leaves only: a mount inside another read-only one would have no folder to stand on.
  const libraries = [...new Set(copies.map(({ target }) => `/${target.split('/')[1]}`))].filter(
    (top) => top !== '/opt',
  )
  const mounts = [...libraries, PYTHON_PREFIX].map((target) => ({ source: join(root, target), target }))
  return {
    id,
    python: join(PYTHON_PREFIX, 'bin', basename(interpreter.executable)),
    host: interpreter.executable,
    mounts,
  }
}

/**
 * Bytecode that never looks at its source again: nobody may write there, and start-up is what is measured.
 * Tracebacks will name the files as the sandbox sees them, below `target`.
 */
export const compileBytecode = async (python: string, folder: string, target: string): Promise<void> => {
  const mode = ['--invalidation-mode', 'unchecked-hash', '-q', '-j', '0', '-x', '/tests/']
  const args = ['-I', '-m', 'compileall', ...mode, '-s', folder, '-p', target, folder]
  await runCommand(python, args, { timeoutMs: COPY_TIMEOUT_MS })
}
