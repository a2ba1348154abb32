import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { findAbsentPackages, platformOf } from '../../setup/complete-lock-file.mjs'

const root = new URL('../../', import.meta.url)
const isSupported = (cpu: string) => cpu === 'x64' || cpu === 'arm64'
const readJson = async (name: string) => JSON.parse(await readFile(new URL(name, root), 'utf8'))

describe('package-lock.json', () => {
  test('names every optional package, so that `npm ci` takes it on any machine (else: npm run lock)', async () => {
    const { packages } = await readJson('package-lock.json')
    expect(findAbsentPackages(packages)).toEqual({})
  })

  test('does not name a registry', async () => {
    expect(await readFile(new URL('package-lock.json', root), 'utf8')).not.toContain('"resolved": "http')
  })

  test('asks for install scripts only where package.json says yes or no', async () => {
    const { packages } = await readJson('package-lock.json')
    const { allowScripts } = await readJson('package.json')
    type Locked = { hasInstallScript?: boolean; os?: string[]; cpu?: string[] }
    const names = Object.entries<Locked>(packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .filter(([, { os, cpu }]) => (os?.includes('linux') ?? true) && (cpu ?? ['x64']).some(isSupported))
      .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
    expect(names.filter((name) => !(name in allowScripts))).toEqual([])
  })
})

describe('completing a lock file', () => {
  const parent = { version: '1.0.0', dev: true, optionalDependencies: { 'tool-linux-x64-musl': '1.0.0' } }

  test('adds an absent optional package as npm would write it', () => {
    expect(findAbsentPackages({ 'node_modules/tool': parent })).toEqual({
      'node_modules/tool-linux-x64-musl': {
        version: '1.0.0',
        cpu: ['x64'],
        dev: true,
        libc: ['musl'],
        optional: true,
        os: ['linux'],
      },
    })
  })

  test('leaves a package alone that is there, at the top or below its parent', () => {
    const child = { version: '1.0.0' }
    const top = { 'node_modules/tool': parent, 'node_modules/tool-linux-x64-musl': child }
    const nested = {
      'node_modules/tool': parent,
      'node_modules/tool/node_modules/tool-linux-x64-musl': child,
    }
    expect(findAbsentPackages(top)).toEqual({})
    expect(findAbsentPackages(nested)).toEqual({})
  })

  test.each([
    ['@oxc-parser/binding-linux-arm-gnueabihf', ['linux'], ['arm'], ['glibc']],
    ['@biomejs/cli-linux-x64-musl', ['linux'], ['x64'], ['musl']],
    ['@oxc-parser/binding-win32-arm64-msvc', ['win32'], ['arm64'], undefined],
    ['@msgpackr-extract/msgpackr-extract-darwin-arm64', ['darwin'], ['arm64'], undefined],
  ])('reads the platform of %s from its name', (name, os, cpu, libc) => {
    expect(platformOf(name)).toEqual({ os, cpu, libc })
  })

  test('refuses a package whose name tells no platform', () => {
    expect(() => platformOf('left-pad')).toThrow('left-pad does not say which platform it is for')
  })
})
