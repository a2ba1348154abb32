import { type Fault, PlatformError } from '../errors.ts'

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?'
const VERSION = '(?:===|==|~=|!=|<=|>=|<|>)\\s*[A-Za-z0-9._*+!-]+'
const MARKER = '[A-Za-z0-9_."\'<>=!~()\\s,+*-]+'
const REQUIREMENT = new RegExp(
  `^(${NAME})\\s*(?:\\[[A-Za-z0-9._,\\s-]*\\])?\\s*\\(?(${VERSION}(?:\\s*,\\s*${VERSION})*)?\\)?\\s*(?:;(${MARKER}))?$`,
)
const HASH = / --hash=(sha256:[0-9a-f]{64})(?= |$)/g
const MAX_LINE = 20_000
const LOCK_FACTOR = 10

/** A line that pip reads; `hashes` is empty when it is not locked. */
export type Requirement = { name: string; text: string; hashes: string[] }

const parseLine = (line: string): Requirement | undefined => {
  // pip would read a second line.
  if (line.length > MAX_LINE || /[\r\n]/.test(line)) return undefined
  const spaced = line.trim().replaceAll(/\s+/g, ' ')
  const hashes = [...spaced.matchAll(HASH)].map(([, hash = '']) => hash)
  const text = spaced.replace(HASH, '')
  const name = REQUIREMENT.exec(text)?.[1]
  // pip would read an option, even where a marker stands.
  if (name === undefined || text.includes(' -')) return undefined
  return { name: name.toLowerCase().replaceAll(/[-_.]+/g, '-'), text, hashes: [...new Set(hashes)].sort() }
}

/** Lines of a requirements file, comments and empty ones left out, continued ones joined. */
export const splitRequirements = (file: string): string[] =>
  file
    .replaceAll(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')

/**
 * Checks requirement lines. Only names with versions, markers and SHA-256 hashes pass: an address, a path or an option of
 * pip would choose for us where code comes from.
 *
 * @returns the requirements by name, and every line that is wrong, at `['requirements', index]`
 */
export const checkRequirements = (
  lines: readonly string[],
  maxRequirements: number,
): { requirements: Requirement[]; faults: Fault[] } => {
  const refuseNumber = (limit: number): Fault => ({
    loc: ['requirements'],
    msg: `${lines.length} requirements; ${limit} are allowed`,
    type: 'too_many_requirements',
  })
  const faults: Fault[] = []
  const requirements: Requirement[] = []
  if (lines.length > maxRequirements * LOCK_FACTOR)
    return { requirements, faults: [refuseNumber(maxRequirements * LOCK_FACTOR)] }
  for (const [index, line] of lines.entries()) {
    const requirement = parseLine(line)
    if (requirement !== undefined) requirements.push(requirement)
    else {
      const msg =
        'Not a requirement such as "pandas>=2.2,<3": no addresses, paths or options, hashes only as --hash=sha256:…'
      faults.push({ loc: ['requirements', index], msg, type: 'requirement' })
    }
  }
  const limit = requirements.every(isLocked) ? maxRequirements * LOCK_FACTOR : maxRequirements
  if (lines.length > limit) faults.unshift(refuseNumber(limit))
  requirements.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return { requirements, faults }
}

/** @throws {PlatformError} `INVALID` with every line that is wrong */
export const parseRequirements = (lines: readonly string[], maxRequirements: number): Requirement[] => {
  const { requirements, faults } = checkRequirements(lines, maxRequirements)
  if (faults.length > 0) throw new PlatformError('INVALID', 'The requirements were refused.', { faults })
  return requirements
}

/** Whether a line names its files by hash, so that installing them needs no trust in an index. */
export const isLocked = ({ hashes }: Requirement): boolean => hashes.length > 0

/** The line as pip reads it. */
export const formatRequirement = ({ text, hashes }: Requirement): string =>
  [text, ...hashes.map((hash) => `--hash=${hash}`)].join(' ')
