import { parseArgs } from 'node:util'
import { PlatformError } from '../shared/errors.ts'

const DEFAULT_DATA_DIRECTORY = '.data'
const DEFAULT_PORT = 8_000

/** Reads a command's options; every one that it doesn't know is an error that names it. */
const parse = <O extends Record<string, { type: 'string'; multiple?: boolean }>>(options: O) => {
  try {
    return parseArgs({ options, strict: true }).values
  } catch (error) {
    throw new PlatformError('BAD_REQUEST', error instanceof Error ? error.message : String(error))
  }
}

export const readStartArguments = () => {
  const values = parse({
    'ready-file': { type: 'string' },
    port: { type: 'string' },
    data: { type: 'string' },
  })
  const port = Number(values.port ?? DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new PlatformError(
      'BAD_REQUEST',
      `--port takes a number from 0 (any free one) to 65535, not "${values.port}".`,
    )
  }
  return { port, dataDirectory: values.data ?? DEFAULT_DATA_DIRECTORY, readyFile: values['ready-file'] }
}

export const readTokenArguments = () => {
  const values = parse({
    tenant: { type: 'string' },
    user: { type: 'string' },
    role: { type: 'string', multiple: true },
    data: { type: 'string' },
  })
  return {
    tenant: values.tenant ?? 'acme',
    user: values.user ?? 'ada',
    roles: values.role ?? ['user'],
    dataDirectory: values.data ?? DEFAULT_DATA_DIRECTORY,
  }
}
