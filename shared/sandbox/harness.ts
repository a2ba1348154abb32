import { readFileSync } from 'node:fs'

/** In the order in which they need each other. */
const MODULES = [
  'jsontext',
  'kernel',
  'seccomp',
  'network',
  'wire',
  'view',
  'values',
  'threads',
  'confine',
  'collect',
  'task',
  'zygote',
  'processes',
  'keeper',
  'start',
]

const read = (name: string) => readFileSync(new URL(`./harness/${name}.py`, import.meta.url), 'utf8')

const boot = read('boot')
const sources = Buffer.from(JSON.stringify(MODULES.map((name) => [name, read(name)])))

const frame = (kind: 'S' | 'M', payload: Uint8Array): Buffer => {
  const head = Buffer.alloc(5)
  head.write(kind)
  head.writeUInt32BE(payload.length, 1)
  return Buffer.concat([head, payload])
}

const bundles = new Map<string, Buffer>()

/** The interpreter's arguments; the harness itself follows over its stdin. */
export const harnessArguments: readonly string[] = ['-I', '-S', '-B', '-X', 'utf8', '-c', boot]

/** What to send first: bytecode once an environment's interpreter has compiled it, source before that. */
export const harnessFor = (environmentId: string): Buffer => bundles.get(environmentId) ?? frame('S', sources)

/** Keeps the bytecode that a blank sandbox compiled: no tenant's code has run there yet. */
export const keepHarness = (environmentId: string, bytecode: Buffer): void => {
  bundles.set(environmentId, frame('M', bytecode))
}
