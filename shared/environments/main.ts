/** `node shared/environments/main.ts ensure --data DIR`: builds what tasks run in, before the first one comes. */
import { PlatformError } from '../errors.ts'
import { readCommand } from './env.ts'
import { ensureDefaultEnvironment } from './index.ts'

const { command, dataDir, python } = readCommand()
if (command !== 'ensure') {
  console.error('usage: main.ts ensure [--data DIR] [--python PATH]')
  process.exit(2)
}
try {
  const where = { dataDir, ...(python === undefined ? {} : { python }) }
  const environment = await ensureDefaultEnvironment(where)
  console.log(`environment ${environment.id.slice(0, 12)} (${environment.modules.join(', ')}) is ready`)
} catch (error) {
  if (!(error instanceof PlatformError)) throw error
  console.error(error.message)
  process.exit(1)
}
