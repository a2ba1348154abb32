import { posix } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createId } from '../../shared/id.ts'
import {
  ATTEMPT_FOLDERS,
  attemptKey,
  parseKey,
  taskPrefix,
  tenantPrefix,
  uploadKey,
} from '../../shared/storage/keys.ts'
import { checkFileName, checkKey, checkPrefix, quoteName } from '../../shared/storage/names.ts'

const tenantId = createId()
const taskId = createId()
const attempt = { tenantId, taskId, attempt: 1 }

const invalid = expect.objectContaining({ code: 'INVALID' })

const succeeds = <T>(work: () => T): T | undefined => {
  try {
    return work()
  } catch (error) {
    expect(error).toEqual(invalid)
    return undefined
  }
}

/** Text of the kind that breaks out of folders, mixed with any other. */
const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc
    .array(
      fc.constantFrom(
        '..',
        '.',
        '/',
        '\\',
        '%2e',
        '%2f',
        '\0',
        '\n',
        ':',
        '~',
        'a',
        ' ',
        tenantId,
        'tenants',
        '\ud800',
        '\u202e',
      ),
      { maxLength: 12 },
    )
    .map((pieces) => pieces.join('')),
)

describe('keys', () => {
  test('an attempt keeps its files below its tenant, its task and its number', () => {
    expect(attemptKey({ ...attempt, attempt: 3 }, 'artifacts', 'plots/stress.png')).toBe(
      `tenants/${tenantId}/tasks/${taskId}/attempts/3/artifacts/plots/stress.png`,
    )
    expect(uploadKey(tenantId, taskId, 'mesh.inp')).toBe(`tenants/${tenantId}/uploads/${taskId}/mesh.inp`)
    expect(taskPrefix(tenantId, taskId)).toBe(`tenants/${tenantId}/tasks/${taskId}/`)
  })

  test('no file name makes a key leave its folder', () => {
    fc.assert(
      fc.property(hostileText, fc.constantFrom(...ATTEMPT_FOLDERS), (name, folder) => {
        for (const key of [
          succeeds(() => attemptKey(attempt, folder, name)),
          succeeds(() => uploadKey(tenantId, taskId, name)),
        ]) {
          if (key === undefined) continue
          expect(posix.normalize(key)).toBe(key)
          expect(key.startsWith(tenantPrefix(tenantId))).toBe(true)
          expect(key.endsWith(`/${name}`)).toBe(true)
          expect(parseKey(key)).toMatchObject({ tenantId, name })
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('no text passes for an id of a tenant, a task or an upload', () => {
    fc.assert(
      fc.property(hostileText, (id) => {
        fc.pre(id !== tenantId)
        expect(() => tenantPrefix(id)).toThrow(invalid)
        expect(() => taskPrefix(tenantId, id)).toThrow(invalid)
        expect(() => uploadKey(tenantId, id, 'a')).toThrow(invalid)
        expect(() => attemptKey({ ...attempt, taskId: id }, 'logs', 'a')).toThrow(invalid)
      }),
    )
  })

  test.each([0, -1, 1.5, Number.NaN, 1e21])('%d is not the number of an attempt', (number) => {
    expect(() => attemptKey({ ...attempt, attempt: number }, 'logs', 'a')).toThrow(invalid)
  })

  test('a key is read back as what it was built from', () => {
    const name = fc.stringMatching(/^f[a-zé0-9_-]{0,12}(\/f[a-z0-9 _-]{0,8}[a-z]){0,2}$/)
    fc.assert(
      fc.property(
        name,
        fc.constantFrom(...ATTEMPT_FOLDERS),
        fc.integer({ min: 1, max: 999_999_999 }),
        (file, folder, number) => {
          const text = file.normalize('NFC')
          expect(parseKey(attemptKey({ ...attempt, attempt: number }, folder, text))).toEqual({
            kind: 'attempt',
            tenantId,
            taskId,
            attempt: number,
            folder,
            name: text,
          })
          expect(parseKey(uploadKey(tenantId, taskId, text))).toEqual({
            kind: 'upload',
            tenantId,
            uploadId: taskId,
            name: text,
          })
        },
      ),
    )
  })

  test('whatever is read from a key builds that key again', () => {
    const pieces = fc.array(
      fc.constantFrom(
        'tenants',
        tenantId,
        'tasks',
        'uploads',
        taskId,
        'attempts',
        '1',
        '01',
        'logs',
        'x',
        '..',
        '',
      ),
      { maxLength: 9 },
    )
    fc.assert(
      fc.property(pieces, (names) => {
        const key = names.join('/')
        const parsed = parseKey(key)
        if (parsed?.kind === 'attempt') expect(attemptKey(parsed, parsed.folder, parsed.name)).toBe(key)
        if (parsed?.kind === 'upload')
          expect(uploadKey(parsed.tenantId, parsed.uploadId, parsed.name)).toBe(key)
      }),
      { numRuns: 5_000 },
    )
  })

  test.each([
    '',
    'tenants',
    `tenants/${tenantId}/`,
    `tenants/${tenantId}/tasks/${taskId}/attempts/1/logs`,
    `tenants/${tenantId}/tasks/${taskId}/attempts/0/logs/a`,
    `tenants/${tenantId}/tasks/${taskId}/attempts/1/secrets/a`,
    `tenants/${tenantId}/uploads/${taskId}`,
    `tenants/${tenantId.toUpperCase()}/uploads/${taskId}/a`,
    `/tenants/${tenantId}/uploads/${taskId}/a`,
  ])('%j is a key of nothing', (key) => {
    expect(parseKey(key)).toBeUndefined()
  })
})

describe('file names', () => {
  test.each([
    ['', 'is empty'],
    ['.', 'is a folder'],
    ['..', 'is a folder'],
    ['a/b', 'slash'],
    ['..\\..\\a', 'slash'],
    ['C:evil', 'colon'],
    ['a\0.png', 'control'],
    ['a\r\nSet-Cookie: x', 'colon'],
    ['a\nb', 'control'],
    ['a\u2028b', 'control'],
    ['a\u007fb', 'control'],
    ['\ud800', 'not Unicode'],
    ['exe.\u202egnp', 'direction'],
    ['e\u0301.csv', 'normal form'],
    ['a.', 'dot'],
    ['... ', 'space'],
    [' a', 'space'],
    ['NUL', 'device'],
    ['con.txt', 'device'],
    ['Lpt1.csv', 'device'],
    ['COM¹', 'device'],
    ['x'.repeat(256), 'longer'],
    ['é'.repeat(128), 'longer'],
  ])('%j is refused, with the reason', (name, reason) => {
    expect(() => checkFileName(name)).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringContaining(reason) }),
    )
  })

  test.each([
    'result.json',
    '.hidden',
    '...a',
    'é à ü.csv',
    '応力図.png',
    '🔩 M12×1,75 (8.8) [50 %] #3 & "+" \'?\'.txt',
    'console.log',
    'nullable',
    'x'.repeat(255),
    'é'.repeat(127),
  ])('%j is accepted', (name) => {
    expect(() => checkFileName(name)).not.toThrow()
  })

  test('a refused name is shown short, on one line and without a mark that hides it', () => {
    const shown = quoteName(`a\u0000\n\u202e\u001b[2J${'x'.repeat(10_000)}`)
    expect(shown).toMatch(/^'a\\u\{0\}\\u\{a\}\\u\{202e\}\\u\{1b\}\[2Jx+…'$/)
    expect(shown.length).toBeLessThan(140)
  })

  test('a key has at most 1,024 bytes', () => {
    const key = `${'a/'.repeat(511)}aa`
    expect(() => checkKey(key)).not.toThrow()
    expect(() => checkKey(`${key}a`)).toThrow(invalid)
  })

  test('a prefix is a folder: one that ends within a name would list a neighbour', () => {
    for (const prefix of ['', 'a/', 'a/b/']) expect(() => checkPrefix(prefix)).not.toThrow()
    for (const prefix of ['a', '/', 'a//', '../', 'a/../']) expect(() => checkPrefix(prefix)).toThrow(invalid)
  })
})
