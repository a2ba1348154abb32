import { PlatformError } from '../errors.ts'
import { ID_PATTERN } from '../id.ts'
import { checkKey, quoteName } from './names.ts'

export const ATTEMPT_FOLDERS = ['inputs', 'outputs', 'logs', 'artifacts'] as const
export type AttemptFolder = (typeof ATTEMPT_FOLDERS)[number]

/** One try at a task; objects are kept by attempt, so that one which was given up overwrites nothing. */
export type AttemptRef = { tenantId: string; taskId: string; attempt: number }

export type ParsedKey =
  | ({ kind: 'attempt'; folder: AttemptFolder; name: string } & AttemptRef)
  | { kind: 'upload'; tenantId: string; uploadId: string; name: string }

const ATTEMPT_NUMBER = /^[1-9]\d{0,8}$/

const isAttemptFolder = (text: string): text is AttemptFolder =>
  ATTEMPT_FOLDERS.some((folder) => folder === text)

const checked = (what: string, value: string, pattern: RegExp): string => {
  if (pattern.test(value)) return value
  throw new PlatformError('INVALID', `${quoteName(value)} is not ${what}.`)
}

const checkedKey = (key: string): string => {
  checkKey(key)
  return key
}

/** Everything of a tenant: prefixes end in a slash, so that none is the beginning of another's. */
export const tenantPrefix = (tenantId: string): string =>
  `tenants/${checked('a tenant id', tenantId, ID_PATTERN)}/`

/** Everything of a task, over all its attempts. */
export const taskPrefix = (tenantId: string, taskId: string): string =>
  `${tenantPrefix(tenantId)}tasks/${checked('a task id', taskId, ID_PATTERN)}/`

/**
 * Where an attempt keeps a file.
 *
 * @param name - a file name, or a path of them below the folder (`plots/stress.png`)
 * @throws `INVALID` when the name could do harm
 */
export const attemptKey = (attempt: AttemptRef, folder: AttemptFolder, name: string): string => {
  const number = checked('the number of an attempt', `${attempt.attempt}`, ATTEMPT_NUMBER)
  return checkedKey(`${taskPrefix(attempt.tenantId, attempt.taskId)}attempts/${number}/${folder}/${name}`)
}

/** Where a file waits that a user uploaded for tasks to come. */
export const uploadKey = (tenantId: string, uploadId: string, name: string): string =>
  checkedKey(`${tenantPrefix(tenantId)}uploads/${checked('an upload id', uploadId, ID_PATTERN)}/${name}`)

const parseAttempt = (tenantId: string, pieces: readonly string[]): ParsedKey | undefined => {
  const [taskId = '', attempts, number = '', folder = '', ...names] = pieces
  if (!ID_PATTERN.test(taskId) || attempts !== 'attempts' || !ATTEMPT_NUMBER.test(number)) return undefined
  if (!isAttemptFolder(folder) || names.length === 0) return undefined
  return { kind: 'attempt', tenantId, taskId, attempt: Number(number), folder, name: names.join('/') }
}

const parseUpload = (tenantId: string, pieces: readonly string[]): ParsedKey | undefined => {
  const [uploadId = '', ...names] = pieces
  if (!ID_PATTERN.test(uploadId) || names.length === 0) return undefined
  return { kind: 'upload', tenantId, uploadId, name: names.join('/') }
}

/** What a key was built from, or `undefined` for a key that no builder here makes. */
export const parseKey = (key: string): ParsedKey | undefined => {
  try {
    checkKey(key)
  } catch {
    return undefined
  }
  const [tenants, tenantId = '', kind, ...pieces] = key.split('/')
  if (tenants !== 'tenants' || !ID_PATTERN.test(tenantId)) return undefined
  if (kind === 'tasks') return parseAttempt(tenantId, pieces)
  if (kind === 'uploads') return parseUpload(tenantId, pieces)
  return undefined
}
