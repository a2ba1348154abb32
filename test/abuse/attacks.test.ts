import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { readAttacks } from './attack.ts'

const DOCUMENT = fileURLToPath(new URL('../../docs/abuse.md', import.meta.url))
const HEADING = '## The attacks\n'

it('are at least forty, each of which says what it tries and what must happen', () => {
  expect(readAttacks().length).toBeGreaterThanOrEqual(40)
})

it('are all in the documentation', async () => {
  const [prose] = readFileSync(DOCUMENT, 'utf8').split(HEADING)
  const rows = readAttacks().map(
    ({ name, purpose, must }) => `| \`${name}\` | ${purpose} | ${must.join(' or ')} |`,
  )
  const table = ['| attack | what it tries | what must happen |', '|---|---|---|', ...rows].join('\n')
  await expect(`${prose}${HEADING}\n${table}\n`).toMatchFileSnapshot(DOCUMENT)
})
