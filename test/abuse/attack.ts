import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A file of `attacks/`: an ordinary submission, what it tries, and what must happen. */
export type Attack = {
  /** `network/raw-sockets`. */
  name: string
  purpose: string
  /** What must happen; one of them, where the kernel decides which comes first. */
  must: readonly string[]
  /** A part of the error message. */
  says: string | undefined
  /** The result, as JSON. */
  result: string | undefined
  /** Whether the log must have been cut at its limit. */
  cutsLog: boolean
  /** Whether a run before it, of the same tenant, leaves something for it. */
  leaves: boolean
  submission: typeof STANDARD & { code: string }
}

const FOLDER = fileURLToPath(new URL('./attacks/', import.meta.url))
const TRIES = readFileSync(new URL('./tries.py', import.meta.url), 'utf8')
const KEYS = ['Must', 'Says', 'Result', 'Log', 'With', 'Append']
const MUST = /^(blocked|completed|failed [a-z_]+|refused \d{3})$/

const STANDARD = {
  handler: 'main',
  resources: { cpu: 1, memory_mb: 256 },
  timeout_seconds: 30,
  // One attempt, whatever comes of it and however long it takes.
  repeatable: false,
}

/** `"text"`, or `1000 × "text"`. */
const readAppended = (written: string | undefined): string => {
  const [, times = '1', text = '""'] = /^(?:(\d+) × )?(".*")$/.exec(written ?? '""') ?? []
  return (JSON.parse(text) as string).repeat(Number(times))
}

const parseAttack = (name: string, source: string): Attack => {
  const [head, header] = /^"""\n(.+?)\n"""\n/s.exec(source) ?? []
  const [purpose, fields] = header?.split('\n\n') ?? []
  if (head === undefined || purpose === undefined || fields === undefined)
    throw new Error(`${name} does not begin with a docstring of two paragraphs`)
  const values = new Map(fields.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]))
  const unknown = [...values.keys()].filter((key) => !KEYS.includes(key))
  if (unknown.length > 0) throw new Error(`${name} has the unknown field ${unknown.join(', ')}`)
  const must = values.get('Must')?.split(' or ') ?? []
  if (must.length === 0 || !must.every((outcome) => MUST.test(outcome)))
    throw new Error(`${name} does not say what must happen`)
  const listsTries = /^def tries\(/m.test(source)
  const more = JSON.parse(values.get('With') ?? '{}') as object
  return {
    name,
    purpose: purpose.replaceAll('\n', ' '),
    must,
    says: values.get('Says'),
    result: values.get('Result'),
    cutsLog: values.get('Log') === 'cut',
    leaves: /^def leave\(/m.test(source),
    submission: {
      ...STANDARD,
      ...more,
      code: source + (listsTries ? TRIES : '') + readAppended(values.get('Append')),
    },
  }
}

/** Every attack, in the order of their names. */
export const readAttacks = (): Attack[] =>
  globSync('*/*.py', { cwd: FOLDER })
    .sort()
    .map((path) => parseAttack(path.replace(/\.py$/, ''), readFileSync(FOLDER + path, 'utf8')))
