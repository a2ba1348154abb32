import { parseArgs } from 'node:util'

/** What the command line asks for: `ensure --data DIR [--python PATH]`. */
export const readCommand = (): {
  command: string | undefined
  dataDir: string
  python: string | undefined
} => {
  const options = { data: { type: 'string', default: '.data' }, python: { type: 'string' } } as const
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  return { command: positionals[0], dataDir: values.data, python: values.python }
}
