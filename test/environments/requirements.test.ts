import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitRequirements } from '../../shared/environments/index.ts'
import { formatRequirement, parseRequirements } from '../../shared/environments/requirements.ts'

const HASH = `sha256:${'0123456789abcdef'.repeat(4)}`
const parse = (...lines: string[]) => parseRequirements(lines, 5).map(formatRequirement)

test.for([
  'numpy',
  'numpy==2.2.6',
  'Foo.Bar_baz-1 >=1, <2',
  'requests[socks,security]~=2.31',
  'scipy ; python_version < "3.14" and sys_platform == "linux"',
  'package!=1.0.*',
  'package===2024.1+local',
  `numpy==2.2.6 --hash=${HASH} --hash=sha256:${'f'.repeat(64)}`,
])('a name with versions, extras, a marker or hashes is a requirement: %s', (line) => {
  expect(parse(line)).toHaveLength(1)
})

test.for([
  '',
  '-r other.txt',
  '--index-url=https://example.org',
  '-e .',
  'numpy --index-url=https://example.org',
  'numpy --global-option=x',
  'numpy @ https://example.org/numpy.whl',
  'https://example.org/numpy.whl',
  'git+https://example.org/numpy',
  './numpy',
  '/etc/passwd',
  'numpy==1\nscipy',
  'numpy==1; python_version < "3"\n--pre',
  'numpy==1; python_version < "3" --pre',
  'numpy==1; python_version < "3" --index-url',
  'numpy==1 # comment',
  `numpy==1 --hash=md5:${'0'.repeat(32)}`,
  `numpy==1 --hash=${HASH}0`,
  '$HOME',
  `numpy==1 ${' '.repeat(20_000)}`,
])('an address, a path, an option or anything else is refused: %j', (line) => {
  expect(() => parse('ok', line)).toThrow(
    expect.objectContaining({
      code: 'INVALID',
      faults: [expect.objectContaining({ loc: ['requirements', 1] })],
    }),
  )
})

test('no line that passes holds a second line, an option or an address', () => {
  const piece = fc.constantFrom(
    'numpy',
    '==1',
    ' ',
    '-',
    '--hash=',
    HASH,
    '@',
    'http://x',
    '\n',
    '\r',
    '\\',
    '[a]',
    ';',
    '"',
    "'",
    '#',
    '/',
    ',',
  )
  const line = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(line, (text) => {
      try {
        const [written = ''] = parse(text)
        expect(written.replaceAll(/ --hash=sha256:[0-9a-f]{64}/g, '')).not.toMatch(/[\r\n\\@/#]|(^|\s)-/)
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID' })
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the order of lines and hashes makes no difference', () => {
  expect(parse('b', 'a')).toEqual(parse('a', 'b'))
  expect(parse(`a --hash=${HASH} --hash=sha256:${'f'.repeat(64)}`)).toEqual(
    parse(`a --hash=sha256:${'f'.repeat(64)} --hash=${HASH}`),
  )
})

test('as many lines as allowed pass, one more does not; a lock may have ten times as many', () => {
  const lines = (count: number, suffix = '') =>
    Array.from({ length: count }, (_, index) => `p${index}${suffix}`)
  expect(parse(...lines(5))).toHaveLength(5)
  expect(() => parse(...lines(6))).toThrow(expect.objectContaining({ code: 'INVALID' }))
  expect(parse(...lines(50, ` --hash=${HASH}`))).toHaveLength(50)
  expect(() => parse(...lines(51, ` --hash=${HASH}`))).toThrow(expect.objectContaining({ code: 'INVALID' }))
})

test('a requirements file is split into its lines', () => {
  const file = `# ours\nnumpy==1 \\\n    --hash=${HASH} \\\r\n    --hash=${HASH}  # why\n\n  scipy\r\n`
  expect(splitRequirements(file)).toEqual([
    expect.stringMatching(/^numpy==1 +--hash=\S+ +--hash=\S+$/),
    'scipy',
  ])
})
