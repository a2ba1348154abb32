import type { Role } from '../shared/auth/index.ts'
import { PlatformError } from '../shared/errors.ts'
import { readTokenArguments } from './arguments.ts'
import { runCommand } from './command.ts'
import { issueToken } from './issuer.ts'
import { readStackRecord } from './stack.ts'

const ROLES: readonly string[] = ['user', 'admin', 'operator'] satisfies Role[]
const SLUG = /^[a-z0-9][a-z0-9-]{0,49}$/

await runCommand(async () => {
  const { tenant, user, roles, dataDirectory } = readTokenArguments()
  const unknown = roles.find((role) => !ROLES.includes(role))
  if (unknown !== undefined)
    throw new PlatformError('BAD_REQUEST', `--role is one of ${ROLES.join(', ')}, not "${unknown}".`)
  if (!SLUG.test(tenant)) {
    throw new PlatformError(
      'BAD_REQUEST',
      `--tenant takes lower-case letters, digits and dashes, not "${tenant}".`,
    )
  }
  const stack = await readStackRecord(dataDirectory)
  if (!stack)
    throw new PlatformError('NOT_FOUND', `No stack runs on ${dataDirectory}: start one with npm start.`)
  console.log(await issueToken(dataDirectory, stack.issuer, { tenant, user, roles: roles as Role[] }))
})
