import { type Finding, refuse, type SourceFile } from './finding.ts'
import type { PrecheckPolicy } from './policy.ts'

const FEWER = 'Publish only the files that the function needs.'
const SMALLER = 'Move data out of the code into an input file, or split the code.'

/** Holds a source against a policy's limits, before anything reads it. */
export const checkSizes = (files: readonly SourceFile[], policy: PrecheckPolicy): Finding[] => {
  const first = files[0]?.path ?? ''
  if (files.length > policy.maxFiles) {
    const message = `The source has ${files.length} files; ${policy.maxFiles} are allowed`
    return [refuse(first, 'too-many-files', message, FEWER)]
  }
  const sizes = files.map(({ path, source }) => ({ path, bytes: Buffer.byteLength(source) }))
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
  const tooLarge = (path: string, what: string, bytes: number, limit: number) =>
    refuse(path, 'too-large', `${what} has ${bytes} bytes; ${limit} are allowed`, SMALLER)
  const findings = sizes
    .filter(({ bytes }) => bytes > policy.maxFileBytes)
    .map(({ path, bytes }) => tooLarge(path, 'The file', bytes, policy.maxFileBytes))
  if (total > policy.maxTotalBytes) findings.push(tooLarge(first, 'The source', total, policy.maxTotalBytes))
  return findings
}
